#pragma once
// A fixed sequence of kernels, recorded once and replayed.
#include <functional>
#include <kernels/core/exec.hpp>

namespace loom {

/// Replays `work`. On a Gpu the first launch runs it uncaptured (first use of kernels, attributes),
/// the second captures it into a CUDA graph, and this and all later launches replay that graph. On
/// a Cpu every launch calls `work`. Inside: no allocation, host reads or synchronisation; pointers
/// and host values freeze at the second launch, so whatever changes lives in device memory.
class Graph {
 public:
  Graph() = default;
  Graph(Exec const& exec, std::function<void(Exec const&)> work);
  Graph(Graph&& other) noexcept;
  Graph& operator=(Graph&& other) noexcept;
  ~Graph();

  void launch();
  /// True once a CUDA graph is being replayed.
  bool captured() const { return instance_ != nullptr; }

 private:
  Exec exec_;
  std::function<void(Exec const&)> work_;
  void* instance_ = nullptr;  // cudaGraphExec_t
  bool warm_ = false;
};

}  // namespace loom
