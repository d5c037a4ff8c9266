#include <cub/device/device_radix_sort.cuh>
#include <kernels/linalg/cub_call.hpp>
#include <kernels/linalg/sort.hpp>

namespace loom {
namespace {

auto sort(Gpu exec, std::uint32_t const* keys, std::int32_t const* values,
          std::uint32_t* sorted_keys, std::int32_t* sorted_values, int n, int bits) {
  return [=](void* temporary, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(temporary, bytes, keys, sorted_keys, values,
                                           sorted_values, n, 0, bits,
                                           static_cast<cudaStream_t>(exec.stream));
  };
}

}  // namespace

std::size_t sort_workspace(Gpu exec, int n) {
  return cub_call::workspace(sort(exec, nullptr, nullptr, nullptr, nullptr, n, 32));
}

void sort_pairs(Gpu exec, In<std::uint32_t> keys, In<std::int32_t> values,
                Out<std::uint32_t> sorted_keys, Out<std::int32_t> sorted_values,
                Out<std::uint8_t> workspace, int bits) {
  checks::count("sort_pairs", keys.size);
  checks::same("sort_pairs", keys.size, "values", values.size);
  checks::same("sort_pairs", keys.size, "sorted_keys", sorted_keys.size);
  checks::same("sort_pairs", keys.size, "sorted_values", sorted_values.size);
  require(bits >= 1 && bits <= 32, "sort_pairs: ", bits, " bits (needs 1 to 32)");
  if (keys.size == 0) return;
  cub_call::run("sort_pairs", workspace,
                sort(exec, keys.data, values.data, sorted_keys.data, sorted_values.data,
                     static_cast<int>(keys.size), bits));
}

}  // namespace loom
