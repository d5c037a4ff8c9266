#pragma once
// The CUDA runtime behind Gpu; only CUDA builds have it.
#include <cstddef>
#include <functional>
#include <kernels/core/machine.hpp>
#include <string>

namespace loom::device {

/// A stream of one's own: what Graph can capture without a detour. Everything that keeps gpu() must be gone
/// before it.
class Stream {
 public:
  explicit Stream(int device);
  ~Stream();
  Stream(Stream const&) = delete;
  Stream& operator=(Stream const&) = delete;
  Gpu gpu() const { return gpu_; }

 private:
  Gpu gpu_;
};

int count() noexcept;
std::string describe(Gpu gpu);
void synchronize(Gpu gpu);
void* allocate(Gpu gpu, std::size_t bytes);
void release(Gpu gpu, void* p) noexcept;
void copy(Gpu gpu, void const* from, void* to, std::size_t bytes);
void upload(Gpu gpu, void const* host, void* to, std::size_t bytes);
void download(Gpu gpu, void const* from, void* host, std::size_t bytes);
void fill_zero(Gpu gpu, void* to, std::size_t bytes);

/// Records what `work` submits to the stream it is given and instantiates it (a cudaGraphExec_t).
void* capture(Gpu gpu, std::function<void(Gpu)> const& work);
void launch_graph(Gpu gpu, void* instance);
void destroy_graph(void* instance) noexcept;

/// Throws CudaError "file:line: call: what the runtime says" unless `error` is cudaSuccess.
void check(int error, char const* call, char const* file, int line);

}  // namespace loom::device

#define CUDA_CHECK(call) ::loom::device::check(static_cast<int>(call), #call, __FILE__, __LINE__)
