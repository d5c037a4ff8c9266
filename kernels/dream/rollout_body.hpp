#pragma once
// One tile of rows through H imagined steps.
#include <kernels/dream/actor_body.hpp>
#include <kernels/dream/carry_body.hpp>
#include <kernels/dream/rollout.hpp>
#include <kernels/dream/rssm_body.hpp>
#include <kernels/dream/tanh_actor_body.hpp>
#include <kernels/dream/truncated_actor_body.hpp>

namespace loom {

HD int dream_values(DreamShape const& s) {
  int const policy = s.policy.outputs(s.actions), latent = s.latents.statistics();
  return policy > latent ? policy : latent;
}

struct DreamArguments {
  DreamView model;
  InRows<float> start;
  RowDraws draws;
  OutRows<float> feature, action;
  std::int32_t* index;  // may be null
  int n, horizon;
};

template <RssmCore kCore>
struct DreamRollout : DreamArguments {
  template <class Block>
  HD void operator()(Block& b) const {
    DreamShape const& s = model.shape;
    RssmTile<kCore, Block> tile(b, s, draws, n, dream_values(s));
    tile.load_state(start);
    b.sync();
    for (int t = 0; t <= horizon; ++t) {
      tile.unload_state(tile.now, feature, t);
      if (t == horizon) break;
      tile.step = t;
      JointLayer const* layer = model.stack.layers;
      layer = tile.tower(layer, s.actor_layers, b.input(tile.now, 0, tile.now, tile.at.z));
      b.lanes([&](auto lane) { act(tile, lane, t); });
      b.sync();
      layer = tile.recurrence(layer);
      tile.tower(layer, s.prior_layers, b.input(tile.next, 0));
      // The streams of the actions come first.
      tile.draw_state(horizon + t);
      b.sync();
      tile.advance();
    }
    // The next tile's rows must not overtake the last reads.
    b.sync();
  }

 private:
  // An action from values, into its place in the state.
  template <class Tile, class F>
  HD void act(Tile& tile, Lane<F> lane, int t) const {
    auto& b = tile.b;
    PolicyShape const& policy = model.shape.policy;
    UintOf<F> const stream = tile.streams(lane, t), tick(draws.tick[0]);
    auto const output = [&](int k) { return tile.values.load(k, lane); };
    OutRows<float> const rows(action.row(t * n), n, action.cols, action.stride);
    auto const take = [&](int k, F a) {
      b.write(rows, k, lane, a);
      b.set(tile.now, tile.at.a + k, lane, model.shape.bounded_actions ? a / action_bound(a) : a);
    };
    if (policy.kind == DreamPolicy::categorical) {
      MixedCategorical<F, decltype(output)> const of(output, action.cols, policy.unimix);
      auto const words = draws.latent_block(stream, tick, UintOf<F>(0U));
      IntOf<F> const drawn = of.draw(unit_interval<F>(words.x));
      if (index != nullptr)
        b.write(OutRows<std::int32_t>(index + static_cast<std::ptrdiff_t>(t) * n, n, 1), 0, lane,
                drawn);
      for (int k = 0; k < action.cols; ++k) take(k, select(drawn == IntOf<F>(k), F(1.F), F(0.F)));
      return;
    }
    Random<F> random(draws.seed, stream, tick, Purpose::action);
    auto const draw_all = [&](auto const& of) {
      for (int k = 0; k < action.cols; ++k)
        take(k, of.draw(random, output(k), output(action.cols + k)));
    };
    switch (policy.kind) {
      case DreamPolicy::bounded_normal:
        return draw_all(BoundedNormalPolicy{policy.deviation});
      case DreamPolicy::tanh_normal: {
        TanhActor without_noise = policy.tanh;
        without_noise.noise = 0;
        return draw_all(TanhPolicy{without_noise, model.tanh_shift});
      }
      default:
        return draw_all(TruncatedPolicy{});
    }
  }
};

}  // namespace loom
