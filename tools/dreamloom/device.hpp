#pragma once
// --device and --threads: the Exec that a command computes with.
#include <kernels/core/exec.hpp>
#include <kernels/core/thread_pool.hpp>
#include <memory>
#include <string>

namespace loom {

/// Owns the threads behind an Exec. The Exec must not outlive it.
class Device {
 public:
  /// name: auto (the first CUDA device, else the CPU), cpu, cuda or cuda:n. threads: 0 for one a
  /// usable core.
  /// Errors  ConfigError for another name; CudaError when the device is not there.
  Device(std::string const& name, int threads);

  Exec const& exec() const { return exec_; }
  /// "cpu" or "cuda:n", never "auto".
  std::string const& name() const { return name_; }
  /// Threads of the pool; 1 on a CUDA device.
  int threads() const { return pool_ ? pool_->threads() : 1; }

 private:
  std::unique_ptr<ThreadPool> pool_;
  Exec exec_;
  std::string name_;
};

/// Cores that this process may use.
int usable_cores();

}  // namespace loom
