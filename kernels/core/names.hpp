#pragma once
// Help with misspelt names: keys, environments, algorithms, recipes.
#include <string>
#include <vector>

namespace loom {

/// The candidate within a few edits of `name` (letter case ignored), "" when none is that near.
std::string nearest(std::string const& name, std::vector<std::string> const& candidates);

/// `unknown environment "CartPol" (did you mean "CartPole"?)`; when nothing is near, lists what
/// there is.
std::string unknown_name(std::string const& kind, std::string const& name,
                         std::vector<std::string> const& candidates);

}  // namespace loom
