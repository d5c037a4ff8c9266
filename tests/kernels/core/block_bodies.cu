#include <kernels/nn/mlp_body.hpp>
#include <tests/kernels/core/block_bodies.hpp>

namespace loom::block_test {
namespace {

struct RolloutBody {
  Rollout r;

  template <class Block>
  HD void operator()(Block& b) const {
    auto const heads = b.values(r.actions + r.values);
    for (int t = 0; t < r.steps; ++t) {
      auto const x = b.tile(kObservation);
      b.lanes([&](auto lane) { observe(b, x, lane); });
      b.sync();
      mlp(b, r.actor, b.keep(x), [&](auto at, auto v) { b.put(heads, at, v); });
      mlp(b, r.critic, x, [&](auto at, auto v) { b.put(heads, at, v, r.actions); });
      b.sync();
      b.lanes([&](auto lane) { step(heads, t, lane); });
    }
  }

  template <class Block, class Tile, class F>
  HD void observe(Block& b, Tile x, Lane<F> lane) const {
    F const p = load(r.state, 0, lane), q = load(r.state, 1, lane), s = load(r.state, 2, lane);
    b.set(x, 0, lane, p);
    b.set(x, 1, lane, q);
    b.set(x, 2, lane, math::sin(s));
    b.set(x, 3, lane, math::cos(s));
    b.set(x, 4, lane, p * q);
  }

  template <class Values, class F>
  HD void step(Values const& heads, int t, Lane<F> lane) const {
    int const outputs = r.actions + r.values;
    F const rate(0.1F);
    for (int i = 0; i < kFields; ++i) {
      F const old = load(r.state, i, lane);
      store(r.state, i, lane, math::fma(rate, heads.load(i, lane) - old, old));
    }
    for (int i = 0; i < outputs; ++i) store(r.record, t * outputs + i, lane, heads.load(i, lane));
  }
};

struct NormsBody {
  Norms n;

  template <class Block>
  HD void operator()(Block& b) const {
    int const width = n.x.cols;
    float const scale = 1.F / static_cast<float>(width);
    auto const v = b.values(1);
    auto const x = b.load(n.x);
    b.lanes([&](auto lane) {
      using F = decltype(v.load(0, lane));
      v.store(0, lane, convert<F>(iota(lane)));
    });
    auto u = b.dense_rows(
        b.keep(x), n.first.stack.layers[0],
        [&](auto at, auto h, auto sum, auto squares) {
          auto const centred = h - sum * scale;
          auto const deviation = each(squares, [&](auto s) {
            using F = decltype(s);
            return math::sqrt(math::fma(s, F(scale), F(1e-5F)));
          });
          return b.fetch(x, at) + activate(Activation::tanh, centred / deviation);
        },
        row_sum([](auto, auto h) { return h; }), row_sum([&](auto, auto h, auto sum) {
          auto const centred = h - sum * scale;
          return centred * centred;
        }));
    auto const exponential = [](auto e) { return fast::exp(e); };
    b.dense_rows(
        u, n.head.stack.layers[0],
        [&](auto at, auto h, auto most, auto total) {
          b.store(n.y, at, each(h - most, exponential) / total);
        },
        row_max([](auto, auto h) { return h; }),
        row_sum([&](auto, auto h, auto most) { return each(h - most, exponential); }));
    // Last, and reading x: the next tile's load() must wait for it.
    b.dense(x, n.second.stack.layers[0], [&](auto at, auto z) {
      // Every column gets the row's number.
      b.store(n.z, at, z + b.fetch(n.w, at) + b.fetch_row(v, at, 0));
    });
  }
};

struct OutOfOrder {
  MlpView net;
  InRows<float> x;

  template <class Block>
  HD void operator()(Block& b) const {
    b.dense(b.load(x), net.stack.layers[1], [](auto, auto) {});
  }
};

}  // namespace

void rollout(Here exec, int rows, Rollout const& r) {
  int const width =
      r.actor.stack.width > r.critic.stack.width ? r.actor.stack.width : r.critic.stack.width;
  launch_blocks(exec, rows,
                {width, 2, r.actions + r.values, {r.actor.stack.tape, r.critic.stack.tape}},
                RolloutBody{r});
}

void norms(Here exec, int rows, Norms const& n) {
  int const width = n.x.cols > 32 ? n.x.cols : 32;
  launch_blocks<16>(exec, rows,
                    {width, 3, 1, {n.first.stack.tape, n.head.stack.tape, n.second.stack.tape}},
                    NormsBody{n});
}

void out_of_order([[maybe_unused]] Here exec, [[maybe_unused]] MlpView const& net,
                  [[maybe_unused]] InRows<float> x) {
  launch_blocks(exec, x.rows, {net.stack.width, 1, 0, {net.stack.tape}}, OutOfOrder{net, x});
}

}  // namespace loom::block_test
