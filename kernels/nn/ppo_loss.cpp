#include <kernels/nn/ppo_workspace.hpp>

namespace loom {

std::size_t ppo_workspace(int rows, int actions) {
  return PpoWorkspace(nullptr, rows, actions).bytes;
}

}  // namespace loom
