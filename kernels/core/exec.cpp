#include <cstdlib>
#include <cstring>
#include <fstream>
#include <kernels/core/buffer.hpp>
#include <kernels/core/device_memory.hpp>
#include <kernels/core/exec.hpp>
#include <kernels/core/thread_pool.hpp>
#if DREAMLOOM_WITH_CUDA
#include <kernels/core/device.hpp>
#endif

namespace loom {
namespace {

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

constexpr std::size_t kAlignment = 256;

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "CPU";
}

}  // namespace

#if DREAMLOOM_WITH_CUDA
#define LOOM_ON_GPU(...) , [&]([[maybe_unused]] Gpu gpu) { __VA_ARGS__; }
int device_count() { return device::count(); }
#else
#define LOOM_ON_GPU(...)
int device_count() { return 0; }
#endif

void synchronize(Exec const& exec) {
  std::visit(Overload{[](Cpu) {} LOOM_ON_GPU(device::synchronize(gpu))}, exec);
}

std::size_t device_memory_in_use(Exec const& exec) {
  std::size_t bytes = 0;
  std::visit(Overload{[](Cpu) {} LOOM_ON_GPU(bytes = device::memory_in_use(gpu))}, exec);
  return bytes;
}

std::string describe(Exec const& exec) {
  std::string text;
  std::visit(Overload{[&](Cpu cpu) {
               int const n = num_threads(cpu);
               text =
                   processor_name() + ", " + std::to_string(n) + (n == 1 ? " thread" : " threads");
             } LOOM_ON_GPU(text = device::describe(gpu))},
             exec);
  return text;
}

namespace memory {

void* allocate(Exec const& exec, std::size_t bytes) {
  void* p = nullptr;
  std::size_t const rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  std::visit(Overload{[&](Cpu) {
               p = std::aligned_alloc(kAlignment, rounded);
             } LOOM_ON_GPU(p = device::allocate(gpu, rounded))},
             exec);
  require<Error>(p != nullptr, "memory: no ", rounded, " bytes to be had");
  return p;
}

void release(Exec const& exec, void* p) noexcept {
  std::visit(Overload{[&](Cpu) { std::free(p); } LOOM_ON_GPU(device::release(gpu, p))}, exec);
}

void copy(Exec const& exec, void const* from, void* to, std::size_t bytes) {
  if (bytes == 0) return;
  std::visit(Overload{[&](Cpu) {
               std::memmove(to, from, bytes);
             } LOOM_ON_GPU(device::copy(gpu, from, to, bytes))},
             exec);
}

void upload(Exec const& exec, void const* host, void* to, std::size_t bytes) {
  if (bytes == 0) return;
  std::visit(Overload{[&](Cpu) {
               std::memcpy(to, host, bytes);
             } LOOM_ON_GPU(device::upload(gpu, host, to, bytes))},
             exec);
}

void download(Exec const& exec, void const* from, void* host, std::size_t bytes) {
  if (bytes == 0) return;
  std::visit(Overload{[&](Cpu) {
               std::memcpy(host, from, bytes);
             } LOOM_ON_GPU(device::download(gpu, from, host, bytes))},
             exec);
}

void fill_zero(Exec const& exec, void* to, std::size_t bytes) {
  if (bytes == 0) return;
  std::visit(Overload{[&](Cpu) {
               std::memset(to, 0, bytes);
             } LOOM_ON_GPU(device::fill_zero(gpu, to, bytes))},
             exec);
}

}  // namespace memory
}  // namespace loom
