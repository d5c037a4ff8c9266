// Imagines with somebody else's weights, in somebody else's memory.
#include <cstdio>
#include <numeric>

#include "model.hpp"

int main() {
  loom::DreamShape const shape = own::shape();
  own::Weights const weights;
  loom::PackedDream model(loom::Cpu{}, shape);
  model.pack(loom::Cpu{}, weights.sources(weights.numbers.data()));

  int const rows = own::kStarts, steps = own::kSteps, f = shape.feature();
  std::vector<float> const start = own::starts();
  std::vector<float> feature(std::size_t(rows * (steps + 1) * f)),
      action(std::size_t(rows * steps * shape.actions));
  std::vector<std::int32_t> index(std::size_t(rows * steps));
  std::vector<std::uint32_t> streams(std::size_t(2 * rows * steps)), tick{1};
  std::iota(streams.begin(), streams.end(), 0U);
  loom::dream_rollout(loom::Cpu{}, model.view(), {start.data(), rows, f}, {7, streams, tick},
                      {{feature.data(), rows * (steps + 1), f},
                       {action.data(), rows * steps, shape.actions},
                       index,
                       nullptr});
  bool const known = own::as_known(feature, 1e-5);
  std::printf("%s: dreams of own weights in own memory\n", known ? "ok" : "FAILED");
  double const share = std::accumulate(index.begin(), index.end(), 0.) / double(index.size());
  bool const fair = share > 0.35 && share < 0.65;
  std::printf("%s: a policy of equal logits takes either action: %.2f\n", fair ? "ok" : "FAILED",
              share);
  return known && fair ? 0 : 1;
}
