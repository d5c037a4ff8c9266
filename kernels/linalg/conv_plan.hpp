#pragma once
// How the CPU divides a convolution: from the shape alone, but for the number of threads. Host only.
#include <algorithm>
#include <kernels/linalg/conv.hpp>
#include <kernels/linalg/conv_tile.hpp>
#include <kernels/linalg/gemm_pack.hpp>
#include <kernels/linalg/reduce.hpp>

namespace loom::conv_cpu {

/// Pieces of the workspace, in floats from its start, and sizes of blocks.
struct Plan {
  int threads;
  int pixels, length, runs;          // of an output image; of a run of a patch; runs a patch
  int patch_padded, filters_padded;  // whole packs
  int row_pitch, image;              // elements of an image's row and of an image, padding included
  int forward_group, spread_group, chunk;  // images worked on at a time
  int slabs;                               // of the weights' gradient: partial sums
  std::size_t packed, bias, offsets, partial, scratch, scratch_each, columns, floats;

  Plan(ConvShape const& s, int rows, int threads_) : threads(threads_) {
    pixels = s.out_pixels();
    length = s.kernel * s.channels;
    runs = s.kernel;
    int const patch = s.patch();
    patch_padded = gemm_cpu::padded(patch);
    filters_padded = gemm_cpu::padded(s.filters);
    row_pitch = (s.width + 2 * s.padding) * s.channels;
    image = (s.height + 2 * s.padding) * row_pitch;
    // 240 rows share a packed panel of weights; fewer when threads would go without.
    int const share = std::max(1, (rows + threads - 1) / threads);
    forward_group = std::clamp(240 / pixels, 1, share);
    // Columns of half a megabyte stay in the L2 until they are added up.
    spread_group = std::clamp(std::max(64 / pixels, (1 << 14) / (pixels * patch_padded)), 1, share);
    int const weights = (patch + 1) * filters_padded;
    slabs = std::clamp((1 << 20) / weights, 1, std::min(std::max(1, rows), 64));
    chunk = std::clamp(256 / pixels, 1, std::max(1, rows / slabs));

    std::size_t at = 0;
    auto const take = [&at](std::size_t n) {
      std::size_t const begin = at;
      at += (n + 63) / 64 * 64;
      return begin;
    };
    auto const count = [](auto... n) { return (static_cast<std::size_t>(n) * ...); };
    packed = take(std::max(count(patch, filters_padded), count(s.filters, patch_padded)));
    bias = take(static_cast<std::size_t>(filters_padded));
    offsets = take(count(std::max(forward_group, chunk), pixels));
    partial = take(count(slabs, weights));
    columns = take(column_reduce_workspace(rows * s.height * s.width, s.channels) / sizeof(float));
    scratch_each =
        std::max({count(forward_group, image) + count(forward_group, pixels, filters_padded),
                  count(spread_group, pixels, patch_padded),
                  count(chunk, image) + count(chunk, pixels, filters_padded)});
    scratch_each = (scratch_each + 63) / 64 * 64;
    scratch = take(scratch_each * static_cast<std::size_t>(threads));
    floats = at;
  }
};

}  // namespace loom::conv_cpu
