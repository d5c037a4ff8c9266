#pragma once
// What is measured while learning.
#include <string>
#include <utility>
#include <vector>

namespace loom {

/// Name and value, in the order in which they are to be shown.
using Metrics = std::vector<std::pair<std::string, double>>;

}  // namespace loom
