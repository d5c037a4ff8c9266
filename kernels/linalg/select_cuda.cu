#include <thrust/iterator/counting_iterator.h>

#include <cub/device/device_select.cuh>
#include <kernels/linalg/cub_call.hpp>
#include <kernels/linalg/select.hpp>

namespace loom {
namespace {

struct IsSet {
  __host__ __device__ bool operator()(std::uint8_t flag) const { return flag != 0; }
};

auto select(Gpu exec, std::uint8_t const* flags, std::int32_t* indices, std::int32_t* count,
            int n) {
  return [=](void* temporary, std::size_t& bytes) {
    return cub::DeviceSelect::FlaggedIf(temporary, bytes,
                                        thrust::counting_iterator<std::int32_t>(0), flags, indices,
                                        count, n, IsSet{}, static_cast<cudaStream_t>(exec.stream));
  };
}

}  // namespace

std::size_t select_workspace(Gpu exec, int n) {
  return cub_call::workspace(select(exec, nullptr, nullptr, nullptr, n));
}

void select_indices(Gpu exec, In<std::uint8_t> flags, Out<std::int32_t> indices,
                    Out<std::int32_t> count, Out<std::uint8_t> workspace) {
  checks::count("select_indices", flags.size);
  checks::same("select_indices", flags.size, "indices", indices.size);
  checks::same("select_indices", 1, "count", count.size);
  cub_call::run("select_indices", workspace,
                select(exec, flags.data, indices.data, count.data, static_cast<int>(flags.size)));
}

}  // namespace loom
