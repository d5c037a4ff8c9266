#include <cuda_runtime_api.h>

#include <kernels/core/device.hpp>
#include <kernels/core/device_memory.hpp>
#include <kernels/core/error.hpp>

namespace loom::device {
namespace {

cudaStream_t stream(Gpu gpu) { return static_cast<cudaStream_t>(gpu.stream); }

void use(Gpu gpu) { CUDA_CHECK(cudaSetDevice(gpu.device)); }

}  // namespace

int count() noexcept {
  int n = 0;
  return cudaGetDeviceCount(&n) == cudaSuccess ? n : 0;
}

std::string describe(Gpu gpu) {
  cudaDeviceProp p{};
  CUDA_CHECK(cudaGetDeviceProperties(&p, gpu.device));
  return std::string(p.name) + ", " + std::to_string(p.multiProcessorCount) + " SMs, " +
         std::to_string(p.totalGlobalMem >> 30) + " GiB";
}

std::size_t memory_in_use(Gpu gpu) {
  use(gpu);
  std::size_t free = 0, total = 0;
  CUDA_CHECK(cudaMemGetInfo(&free, &total));
  return total - free;
}

void synchronize(Gpu gpu) { CUDA_CHECK(cudaStreamSynchronize(stream(gpu))); }

Stream::Stream(int device) : gpu_{device, nullptr} {
  use(gpu_);
  cudaStream_t s{};
  CUDA_CHECK(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  gpu_.stream = s;
}

Stream::~Stream() { cudaStreamDestroy(stream(gpu_)); }

void* allocate(Gpu gpu, std::size_t bytes) {
  use(gpu);
  void* p = nullptr;
  CUDA_CHECK(cudaMalloc(&p, bytes));
  return p;
}

void release(Gpu, void* p) noexcept { cudaFree(p); }

void copy(Gpu gpu, void const* from, void* to, std::size_t bytes) {
  CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream(gpu)));
}

void upload(Gpu gpu, void const* host, void* to, std::size_t bytes) {
  CUDA_CHECK(cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, stream(gpu)));
  synchronize(gpu);
}

void download(Gpu gpu, void const* from, void* host, std::size_t bytes) {
  CUDA_CHECK(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, stream(gpu)));
  synchronize(gpu);
}

void fill_zero(Gpu gpu, void* to, std::size_t bytes) {
  CUDA_CHECK(cudaMemsetAsync(to, 0, bytes, stream(gpu)));
}

void* capture(Gpu gpu, std::function<void(Gpu)> const& work) {
  use(gpu);
  // The default stream cannot be captured: record on one of our own then, and replay on the caller's.
  bool const borrowed = gpu.stream != nullptr;
  cudaStream_t recording = stream(gpu);
  if (!borrowed) CUDA_CHECK(cudaStreamCreateWithFlags(&recording, cudaStreamNonBlocking));
  cudaGraph_t graph{};
  cudaGraphExec_t instance{};
  try {
    CUDA_CHECK(cudaStreamBeginCapture(recording, cudaStreamCaptureModeThreadLocal));
    work({gpu.device, recording});
    CUDA_CHECK(cudaStreamEndCapture(recording, &graph));
    CUDA_CHECK(cudaGraphInstantiate(&instance, graph, 0));
  } catch (...) {
    if (graph == nullptr) cudaStreamEndCapture(recording, &graph);
    if (graph != nullptr) cudaGraphDestroy(graph);
    if (!borrowed) cudaStreamDestroy(recording);
    throw;
  }
  CUDA_CHECK(cudaGraphDestroy(graph));
  if (!borrowed) CUDA_CHECK(cudaStreamDestroy(recording));
  return instance;
}

void launch_graph(Gpu gpu, void* instance) {
  CUDA_CHECK(cudaGraphLaunch(static_cast<cudaGraphExec_t>(instance), stream(gpu)));
}

void destroy_graph(void* instance) noexcept {
  cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(instance));
}

void check(int error, char const* call, char const* file, int line) {
  if (error == cudaSuccess) return;
  fail<CudaError>(file, ":", line, ": ", call, ": ",
                  cudaGetErrorString(static_cast<cudaError_t>(error)));
}

}  // namespace loom::device
