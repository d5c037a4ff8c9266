#include <tools/dreamloom/device.hpp>

#include <sched.h>
#include <charconv>

namespace loom {
namespace {

/// n of "cuda" (0) or "cuda:n"; -1 when the text is neither.
int cuda_index(std::string const& name) {
  if (name == "cuda") return 0;
  if (name.rfind("cuda:", 0) != 0) return -1;
  int index = -1;
  char const *const first = name.data() + 5, *const last = name.data() + name.size();
  auto const r = std::from_chars(first, last, index);
  return r.ec == std::errc{} && r.ptr == last && index >= 0 ? index : -1;
}

#if DREAMLOOM_WITH_CUDA
Exec cuda_exec(int index) { return Gpu{index}; }
#else
Exec cuda_exec(int) { fail<CudaError>("device: this is a CPU-only build (needs --device cpu)"); }
#endif

}  // namespace

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}

Device::Device(std::string const& name, int threads) : name_(name) {
  if (name == "auto") name_ = device_count() > 0 ? "cuda:0" : "cpu";
  int const index = cuda_index(name_);
  require<ConfigError>(name_ == "cpu" || index >= 0, "device: ", name,
                       " (needs auto, cpu, cuda or cuda:n)");
  if (index < 0) {
    int const n = threads == 0 ? usable_cores() : threads;
    if (n > 1) pool_ = std::make_unique<ThreadPool>(n);
    exec_ = Cpu{pool_.get()};
    return;
  }
  exec_ = cuda_exec(index);
  int const count = device_count();
  if (count == 0) fail<CudaError>("device: no CUDA device was found (needs --device cpu)");
  require<CudaError>(index < count, "device: there is no ", name_,
                     " (the last one is cuda:", count - 1, ")");
  name_ = "cuda:" + std::to_string(index);
}

}  // namespace loom
