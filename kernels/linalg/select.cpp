#include <cstring>
#include <kernels/linalg/checks.hpp>
#include <kernels/linalg/select.hpp>

namespace loom {

std::size_t select_workspace(Cpu, int) { return 0; }

void select_indices(Cpu, In<std::uint8_t> flags, Out<std::int32_t> indices, Out<std::int32_t> count,
                    Out<std::uint8_t>) {
  checks::count("select_indices", flags.size);
  checks::same("select_indices", flags.size, "indices", indices.size);
  checks::same("select_indices", 1, "count", count.size);
  std::int32_t found = 0;
  std::size_t i = 0;
  // Flags are mostly zero (episodes that ended): look at eight at a time.
  for (; i + 8 <= flags.size; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, flags.data + i, 8);
    if (word == 0) continue;
    for (std::size_t k = i; k < i + 8; ++k)
      if (flags[k] != 0) indices[static_cast<std::size_t>(found++)] = static_cast<std::int32_t>(k);
  }
  for (; i < flags.size; ++i)
    if (flags[i] != 0) indices[static_cast<std::size_t>(found++)] = static_cast<std::int32_t>(i);
  count[0] = found;
}

}  // namespace loom
