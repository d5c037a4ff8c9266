#pragma once
// What scan, select and sort check on every machine.
#include <kernels/core/error.hpp>
#include <kernels/core/view.hpp>

namespace loom::checks {

inline void workspace(char const* who, Out<std::uint8_t> given, std::size_t bytes) {
  require(given.size >= bytes, who, ": workspace has ", given.size, " bytes (needs ", bytes, ")");
}

inline void count(char const* who, std::size_t n) {
  require(n < (std::size_t{1} << 31), who, ": ", n, " elements (fewer than 2^31)");
}

inline void same(char const* who, std::size_t n, char const* what, std::size_t found) {
  require(found == n, who, ": ", n, " elements, ", what, " has ", found);
}

}  // namespace loom::checks
