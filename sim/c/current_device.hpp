#pragma once
// Whose device is current: a library called from a stranger's thread leaves that as it was.
#include <kernels/core/exec.hpp>

namespace loom::c {

/// Nothing to do on a Cpu.
template <class Machine>
class CurrentDevice {
 public:
  explicit CurrentDevice(Machine) {}
};

/// Makes gpu.device current for the calling thread until the end of its life.
template <>
class CurrentDevice<Gpu> {
 public:
  explicit CurrentDevice(Gpu gpu);
  ~CurrentDevice();
  CurrentDevice(CurrentDevice const&) = delete;
  CurrentDevice& operator=(CurrentDevice const&) = delete;

 private:
  int before_ = 0;
};

}  // namespace loom::c
