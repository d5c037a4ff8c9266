#include <kernels/nn/mlp_body.hpp>
#include <sim/core/rollout.hpp>

namespace loom {
namespace {

struct ObservationValues {
  MlpView critic;
  ObservationNorm norm;
  Tiles<float> observation;
  int n;
  std::int32_t const* places;
  std::int32_t const* count;
  float* value;

  template <class Block>
  HD void operator()(Block& b) const {
    int const live = count == nullptr ? n : *count;
    if (b.first() >= live) return;
    auto const out = b.values(1);
    // Lanes past the end work on the last place again and store nothing.
    auto place = [&](auto lane) {
      auto const index = iota(lane);
      auto const inside = select(index < live, index, decltype(index)(live - 1));
      return places == nullptr ? inside : gather(places, inside);
    };
    auto x = b.tile(observation.fields, [&](int field, auto lane) {
      auto const at = place(lane);
      auto const column = at & (kTile - 1);
      auto const offset = (at - column) * observation.fields + column + field * kTile;
      return norm(field, gather(observation.data, offset));
    });
    mlp(b, critic, x, [&](auto at, auto v) { b.put(out, at, v); });
    b.sync();
    b.lanes([&](auto lane) { scatter(value, place(lane), out.load(0, lane)); });
  }
};

}  // namespace

void observation_values(Here exec, MlpView const& critic, ObservationNorm const& norm,
                        Tiles<float> observation, int n, In<std::int32_t> places,
                        In<std::int32_t> count, Out<float> value) {
  BlockNeeds needs;
  needs.width = critic.stack.width;
  needs.values = 1;
  needs.tape = Tape{critic.stack.tape};
  launch_blocks(
      exec, n, needs,
      ObservationValues{critic, norm, observation, n, places.data, count.data, value.data});
}

}  // namespace loom
