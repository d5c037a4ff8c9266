#pragma once
// One tile of rows through H imagined steps.
#include <kernels/core/joint_block.hpp>
#include <kernels/dream/actor_body.hpp>
#include <kernels/dream/rollout.hpp>
#include <kernels/dream/tanh_actor_body.hpp>
#include <kernels/dream/truncated_actor_body.hpp>
#include <kernels/nn/activation_body.hpp>
#include <kernels/nn/categorical_latent_body.hpp>
#include <kernels/nn/gru_body.hpp>

namespace loom {

/// Rows of a GPU block: more do not fit shared memory beside the weights' ring at size 1M.
inline constexpr int kDreamRows = 16;

/// Where the pieces of a tile's state [h z a] begin, and the columns of all regions.
struct DreamColumns {
  static constexpr int kRegions = 6;
  int z, a, state, joined, inner, hidden;

  HD explicit DreamColumns(DreamShape const& s)
      : z(aligned(s.deter)),
        a(z + aligned(s.stochastic())),
        state(a + aligned(s.actions)),
        joined(aligned(s.core == RssmCore::block ? 3 * s.units : s.units)),
        inner(s.core == RssmCore::block        ? aligned(s.deter)
              : s.core == RssmCore::layer_norm ? aligned(3 * s.deter)
                                               : 0),
        hidden(aligned(s.units)) {}
  HD int all() const { return 2 * state + joined + inner + 2 * hidden; }
};

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
  DreamKept kept;
  bool keeps;
  int n, horizon;
};

/// One kernel a core: the code of the others would cost registers.
template <RssmCore kCore>
struct DreamRollout : DreamArguments {
  static constexpr bool kNorm = kCore == RssmCore::block;

  template <class Block>
  HD void operator()(Block& b) const {
    DreamShape const& s = model.shape;
    DreamColumns const at(s);
    auto now = b.region(at.state), next = b.region(at.state);
    auto const joined = b.region(at.joined), inner = b.region(at.inner);
    auto p = b.region(at.hidden), q = b.region(at.hidden);
    auto const values = b.values(dream_values(s));
    b.load({start.data, n, s.deter, start.stride}, now, 0);
    b.load({start.data + s.deter, n, s.stochastic(), start.stride}, now, at.z);
    b.sync();
    for (int t = 0; t <= horizon; ++t) {
      b.unload(now, 0, slab(t, 0, s.deter));
      b.unload(now, at.z, slab(t, s.deter, s.stochastic()));
      if (t == horizon) break;
      JointLayer const* layer = model.stack.layers;
      layer =
          tower(b, layer, s.actor_layers, b.input(now, 0, now, at.z), p, q, values, kept.actor, t);
      b.lanes([&](auto lane) { act(b, lane, t, values, now, at.a); });
      b.sync();
      if constexpr (kCore == RssmCore::block)
        layer = block_core(b, layer, at, now, next, joined, inner);
      else if constexpr (kCore == RssmCore::layer_norm)
        layer = layer_norm_core(b, layer, at, now, next, joined, inner, t);
      else
        layer = reset_after_core(b, layer, at, now, next, joined, t);
      tower(b, layer, s.prior_layers, b.input(next, 0), p, q, values, kept.prior, t);
      draw_state(b, t, values, next, at.z);
      b.sync();
      auto const past = now;
      now = next;
      next = past;
    }
    // The next tile's rows must not overtake the last reads.
    b.sync();
  }

 private:
  HD OutRows<float> slab(int t, int first, int cols) const {
    return {feature.row(t * n) + first, n, cols, feature.stride};
  }
  HD OutRows<float> kept_rows(float* all, int t, int cols) const {
    return {all + static_cast<std::ptrdiff_t>(t) * n * cols, n, cols};
  }

  // A hidden layer into columns of a region.
  template <class Block, class Input, class Region>
  HD void hidden(Block& b, JointLayer const& layer, Input const& in, Region out, int first,
                 float* keep, int t) const {
    if constexpr (kNorm) {
      float const* const gain = layer.gain();
      float const share = 1.F / static_cast<float>(layer.outputs);
      auto const squares =
          row_statistic([](auto, auto v) { return v * v; },
                        [=](auto sum) { return inverse_root(sum * share, 1e-4F); });
      with_activation<Block>(model.shape.activation, [&](auto kind) {
        b.joint(
            layer, in, out, first,
            [=](auto at, auto v, auto scale) {
              return activate(kind, v * scale * Block::vector(gain, at));
            },
            squares);
      });
    } else {
      OutRows<float> const rows =
          keeps ? kept_rows(keep, t, layer.outputs) : OutRows<float>(nullptr, 0, 0);
      with_activation<Block>(model.shape.activation, [&](auto kind) {
        b.joint(layer, in, out, first, [&](auto at, auto v) {
          auto const y = activate(kind, v);
          if (rows.data != nullptr) b.store(rows, at, y);
          return y;
        });
      });
    }
  }

  // Hidden layers and an output into values; returns the layer after them.
  template <class Block, class Input, class Region, class Values>
  HD JointLayer const* tower(Block& b, JointLayer const* layer, int depth, Input const& in,
                             Region p, Region q, Values const& values, float* const* keep,
                             int t) const {
    for (int l = 0; l < depth; ++l, ++layer) {
      hidden(b, *layer, l == 0 ? in : b.input(q, 0), p, 0, keep[keeps ? l : 0], t);
      b.sync();
      auto const last = p;
      p = q;
      q = last;
    }
    OutRows<float> const rows =
        keeps ? kept_rows(keep[depth], t, layer->outputs) : OutRows<float>(nullptr, 0, 0);
    b.joint(*layer, b.input(q, 0), [&](auto at, auto v) {
      b.put(values, at, v);
      if (rows.data != nullptr) b.store(rows, at, v);
    });
    b.sync();
    return layer + 1;
  }

  template <class V>
  HD static V inverse_root(V mean, float epsilon) {
    return each(mean, [=](auto x) {
      using F = decltype(x);
      return F(1.F) / math::sqrt(x + F(epsilon));
    });
  }

  template <class Block, class Region>
  HD JointLayer const* block_core(Block& b, JointLayer const* layer, DreamColumns const& at,
                                  Region now, Region next, Region joined, Region inner) const {
    int const units = model.shape.units;
    for (int i = 0; i < 3; ++i)
      hidden(b, layer[i],
             b.input(now, i == 0   ? 0
                          : i == 1 ? at.z
                                   : at.a),
             joined, i * units, nullptr, 0);
    b.sync();
    hidden(b, layer[3], b.input(now, 0, joined, 0), inner, 0, nullptr, 0);
    b.sync();
    b.gates(layer[4], b.input(inner, 0), [&](auto u, auto r, auto c, auto z) {
      b.put(next, 0, u, unit(r, c, z, b.fetch(now, 0, u)));
    });
    b.sync();
    return layer + 5;
  }

  template <class V>
  HD static V unit(V r, V c, V u, V state) {
    return combine(
        [](auto r1, auto c1, auto u1, auto h) {
          using F = decltype(h);
          return GruUnit<F>::fast_next(r1, c1, u1 + F(kUpdateBias), h);
        },
        r, c, u, state);
  }

  template <class Block, class Region>
  HD JointLayer const* layer_norm_core(Block& b, JointLayer const* layer, DreamColumns const& at,
                                       Region now, Region next, Region joined, Region inner,
                                       int t) const {
    int const deter = model.shape.deter;
    float const share = 1.F / static_cast<float>(3 * deter);
    float const *const gain = layer[1].gain(), *const shift = layer[1].shift();
    hidden(b, layer[0], b.input(now, at.z, now, at.a), joined, 0, kept.inputs, t);
    b.sync();
    b.joint(
        layer[1], b.input(joined, 0, now, 0), inner, 0,
        [&](auto col, auto v, auto mean, auto scale) {
          auto const y = (v - mean) * scale * Block::vector(gain, col) + Block::vector(shift, col);
          if (keeps) keep_gates(b, col, t, v, y, mean, scale);
          return y;
        },
        row_statistic([](auto, auto v) { return v; }, [=](auto sum) { return sum * share; }),
        row_statistic([](auto, auto v, auto mean) { return (v - mean) * (v - mean); },
                      [=](auto sum) { return inverse_root(sum * share, kGateNormEpsilon); }));
    b.sync();
    b.each(deter, [&](int k, auto lane) {
      b.set(next, k, lane,
            unit(b.get(inner, k, lane), b.get(inner, deter + k, lane),
                 b.get(inner, 2 * deter + k, lane), b.get(now, k, lane)));
    });
    b.sync();
    return layer + 2;
  }
  template <class Block, class At, class V>
  HD void keep_gates(Block& b, At at, int t, V sum, V normal, V mean, V scale) const {
    int const columns = 3 * model.shape.deter;
    b.store(kept_rows(kept.gate_sums, t, columns), at, sum);
    b.store(kept_rows(kept.gates, t, columns), at, normal);
    if (at.col != 0) return;
    // A value may be two columns: the second one is written over.
    OutRows<float> const statistics = kept_rows(kept.gate_statistics, t, 2);
    b.store(statistics, at, mean);
    at.col = 1;
    b.store(statistics, at, scale);
  }

  template <class Block, class Region>
  HD JointLayer const* reset_after_core(Block& b, JointLayer const* layer, DreamColumns const& at,
                                        Region now, Region next, Region joined, int t) const {
    int const deter = model.shape.deter;
    hidden(b, layer[0], b.input(now, at.z, now, at.a), joined, 0, kept.inputs, t);
    b.sync();
    OutRows<float> const none(nullptr, 0, 0);
    OutRows<float> const from_input = keeps ? kept_rows(kept.input_sums, t, 3 * deter) : none,
                         from_state = keeps ? kept_rows(kept.state_sums, t, 3 * deter) : none;
    b.gates(layer[1], b.input(joined, 0), layer[2], b.input(now, 0),
            [&](auto u, auto xr, auto xu, auto xc, auto hr, auto hu, auto hc) {
              if (from_input.data != nullptr) {
                store_gates(b, from_input, u, xr, xu, xc);
                store_gates(b, from_state, u, hr, hu, hc);
              }
              b.put(next, 0, u,
                    combine(
                        [](auto r, auto z, auto x, auto c, auto h) {
                          using F = decltype(h);
                          return GruResetAfterUnit<F>::fast_next(r, z, x, c, h);
                        },
                        xr + hr, xu + hu, xc, hc, b.fetch(now, 0, u)));
            });
    b.sync();
    return layer + 3;
  }
  template <class Block, class At, class V>
  HD void store_gates(Block& b, OutRows<float> to, At u, V s0, V s1, V s2) const {
    int const deter = model.shape.deter, unit = u.col;
    if (unit >= deter) return;
    for (int gate = 0; gate < 3; ++gate) {
      u.col = gate * deter + unit;
      b.store(to, u, gate == 0 ? s0 : gate == 1 ? s1 : s2);
    }
  }

  // The streams of step k's rows: actions first, then states.
  template <class Block, class F>
  HD UintOf<F> streams(Block& b, Lane<F> lane, int k) const {
    return gather(draws.stream.data + static_cast<std::ptrdiff_t>(k) * n, b.any_row(iota(lane)));
  }

  template <class Block, class F, class Values, class Region>
  HD void act(Block& b, Lane<F> lane, int t, Values const& values, Region now, int first) const {
    PolicyShape const& policy = model.shape.policy;
    UintOf<F> const stream = streams(b, lane, t), tick(draws.tick[0]);
    auto const output = [&](int k) { return values.load(k, lane); };
    OutRows<float> const rows(action.row(t * n), n, action.cols, action.stride);
    auto const take = [&](int k, F a) {
      b.write(rows, k, lane, a);
      b.set(now, first + k, lane,
            model.shape.bounded_actions ? a / math::max(math::abs(a), F(1.F)) : a);
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

  template <class Block, class Values, class Region>
  HD void draw_state(Block& b, int t, Values const& values, Region next, int first) const {
    LatentsShape const& z = model.shape.latents;
    int const k = horizon + t;
    if (z.kind == LatentsShape::Kind::categorical) {
      b.each((z.groups + 3) / 4, [&](int block, auto lane) {
        draw_groups(b, lane, block, streams(b, lane, k), values, next, first);
      });
    } else {
      b.each((z.gaussian + 1) / 2, [&](int pair, auto lane) {
        draw_numbers(b, lane, pair, streams(b, lane, k), values, next, first);
      });
    }
  }

  // Four groups share a block of random words.
  template <class Block, class F, class Values, class Region>
  HD void draw_groups(Block& b, Lane<F> lane, int block, UintOf<F> stream, Values const& values,
                      Region next, int first) const {
    LatentsShape const& z = model.shape.latents;
    auto const words =
        draws.latent_block(stream, UintOf<F>(draws.tick[0]), UintOf<F>(unsigned(block)));
    for (int i = 0; i < 4 && 4 * block + i < z.groups; ++i) {
      int const column = (4 * block + i) * z.classes;
      auto const logit = [&](int k) { return values.load(column + k, lane); };
      MixedCategorical<F, decltype(logit)> const of(logit, z.classes, z.unimix);
      IntOf<F> const drawn = of.draw(unit_interval<F>(i == 0   ? words.x
                                                      : i == 1 ? words.y
                                                      : i == 2 ? words.z
                                                               : words.w));
      for (int k = 0; k < z.classes; ++k)
        b.set(next, first + column + k, lane, select(drawn == IntOf<F>(k), F(1.F), F(0.F)));
    }
  }

  template <class Block, class F, class Values, class Region>
  HD void draw_numbers(Block& b, Lane<F> lane, int pair, UintOf<F> stream, Values const& values,
                       Region next, int first) const {
    LatentsShape const& z = model.shape.latents;
    auto const words =
        draws.latent_block(stream, UintOf<F>(draws.tick[0]), UintOf<F>(unsigned(pair)));
    for (int i = 0; i < 2 && 2 * pair + i < z.gaussian; ++i) {
      int const d = 2 * pair + i;
      F const noise = i == 0 ? normal_of(unit_interval<F>(words.x), unit_interval<F>(words.y))
                             : normal_of(unit_interval<F>(words.z), unit_interval<F>(words.w));
      F const deviation = math::softplus(values.load(z.gaussian + d, lane)) + F(z.least_deviation);
      b.set(next, first + d, lane, math::fma(deviation, noise, values.load(d, lane)));
    }
  }
};

}  // namespace loom
