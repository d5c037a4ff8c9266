#pragma once
// Values as text that reads back unchanged.
#include <string>

namespace loom {

/// A TOML basic string: quoted, with escapes.
std::string toml_quoted(std::string const& text);
/// Shortest decimal that reads back as the same double; "nan", "inf", "-inf" else.
std::string shortest(double value);

}  // namespace loom
