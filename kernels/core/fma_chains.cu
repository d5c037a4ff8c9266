#include <kernels/core/fma_chains_body.hpp>
#include <kernels/core/launch.hpp>

namespace loom {

void fma_chains(Here exec, int turns, Out<float> sums) {
  require(turns >= 0, "fma_chains: ", turns, " turns (needs 0 or more)");
  constexpr int kFewLanes = 64;  // a lane's work is as long as the caller likes
  launch(exec, static_cast<int>(sums.size), FmaChains{turns, sums}, kFewLanes);
}

}  // namespace loom
