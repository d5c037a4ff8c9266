#include <kernels/core/graph.hpp>
#include <utility>
#if DREAMLOOM_WITH_CUDA
#include <kernels/core/device.hpp>
#endif

namespace loom {

Graph::Graph(Exec const& exec, std::function<void(Exec const&)> work)
    : exec_(exec), work_(std::move(work)) {}

Graph::Graph(Graph&& other) noexcept { *this = std::move(other); }

Graph& Graph::operator=(Graph&& other) noexcept {
  std::swap(exec_, other.exec_);
  std::swap(work_, other.work_);
  std::swap(instance_, other.instance_);
  std::swap(warm_, other.warm_);
  return *this;
}

#if DREAMLOOM_WITH_CUDA
Graph::~Graph() {
  if (instance_ != nullptr) device::destroy_graph(instance_);
}

void Graph::launch() {
  if (on_cpu(exec_) || !std::exchange(warm_, true)) return work_(exec_);
  Gpu const gpu = std::get<Gpu>(exec_);
  if (instance_ == nullptr)
    instance_ = device::capture(gpu, [&](Gpu inside) { work_(Exec{inside}); });
  device::launch_graph(gpu, instance_);
}
#else
Graph::~Graph() = default;
void Graph::launch() { work_(exec_); }
#endif

}  // namespace loom
