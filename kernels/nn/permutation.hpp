#pragma once
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Where the indices of a permutation lie in memory: index i is row i / columns, column i % columns of an
/// array whose rows are `stride` apart, as real instances among padded ones.
struct PlaceGrid {
  int columns = 0;  ///< 0: places are the indices themselves
  int stride = 0;
};

/// A random permutation of [0, n): the order in which an epoch takes its samples. A bijection
/// computed index by index, so nothing is sorted or stored; `epoch` lies in device memory, so a
/// graph replays with another one. Keyed by Philox of (seed, epoch).
///
/// Shapes   epoch: (1); index: (n), n < 2^31. With a grid, index receives places.
/// Errors   ShapeError if epoch is not one word or n is too great.
/// Bits     the same for every machine and lane width.
/// Source   Luby and Rackoff 1988 (Feistel networks); Black and Rogaway 2002, "Ciphers with
/// arbitrary
///          finite domains" (cycle walking).
void permutation(Cpu exec, std::uint64_t seed, In<std::uint32_t> epoch, Out<std::int32_t> index,
                 PlaceGrid grid = {});
void permutation(Gpu exec, std::uint64_t seed, In<std::uint32_t> epoch, Out<std::int32_t> index,
                 PlaceGrid grid = {});

}  // namespace loom
