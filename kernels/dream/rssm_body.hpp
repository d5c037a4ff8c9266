#pragma once
// What a tile of rows does in one step of a recurrent state-space model: layers, recurrence, draws of z.
#include <kernels/core/joint_block.hpp>
#include <kernels/dream/rssm.hpp>
#include <kernels/nn/activation_body.hpp>
#include <kernels/nn/categorical_latent_body.hpp>
#include <kernels/nn/gru_body.hpp>
#include <type_traits>

namespace loom {

/// Rows of a GPU block: more do not fit shared memory beside the weights' ring at size 1M.
inline constexpr int kRssmRows = 16;

/// Where the pieces of a tile's state [h z a] begin, and the columns of all regions.
struct RssmColumns {
  static constexpr int kRegions = 6;
  int z, a, state, joined, inner, hidden;

  HD explicit RssmColumns(RssmSizes const& s)
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

/// f(core as a constant): a kernel a kind.
template <class F>
void with_core(RssmCore core, F const& f) {
  switch (core) {
    case RssmCore::reset_after:
      return f(std::integral_constant<RssmCore, RssmCore::reset_after>{});
    case RssmCore::layer_norm:
      return f(std::integral_constant<RssmCore, RssmCore::layer_norm>{});
    case RssmCore::block:
      return f(std::integral_constant<RssmCore, RssmCore::block>{});
  }
}

inline JointNeeds rssm_needs(RssmSizes const& shape, int values, TapeSegment const& tape) {
  return {RssmColumns(shape).all(), RssmColumns::kRegions, values, Tape(tape)};
}

/// Whether the machine's kernel has room for such layers.
template <class E>
bool rssm_room(E exec, RssmSizes const& s, std::vector<JointShape> const& layers, int values) {
  // Outputs of several layers, or gates of several kinds, lie beside each other.
  bool fits = (s.core != RssmCore::block || joint_begins(exec, s.units)) &&
              (s.core != RssmCore::reset_after || joint_begins(exec, s.deter));
  for (JointShape const& layer : layers) fits = fits && joint_fits(exec, layer);
  return fits && joint_fits<kRssmRows>(exec, rssm_needs(s, values, {}));
}

/// Sums of a layer that come from its inputs alone.
struct NothingAdded {
  template <class At, class V>
  HD V operator()(At, V v) const {
    return v;
  }
};

/// The tile at work. One type a core: the code of the others would cost registers.
template <RssmCore kCore, class Block>
struct RssmTile {
  static constexpr bool kNorm = kCore == RssmCore::block;
  using Region = typename Block::Region;

  Block& b;
  RssmSizes const& shape;
  RowDraws const& draws;
  int n;  // rows of one step
  RssmColumns at;
  Region now, next, joined, inner, p, q;
  typename Block::Values values;
  int step = 0;  // whose activations are kept

  HD RssmTile(Block& block, RssmSizes const& sizes, RowDraws const& all_draws, int rows, int floats)
      : b(block),
        shape(sizes),
        draws(all_draws),
        n(rows),
        at(sizes),
        now(b.region(at.state)),
        next(b.region(at.state)),
        joined(b.region(at.joined)),
        inner(b.region(at.inner)),
        p(b.region(at.hidden)),
        q(b.region(at.hidden)),
        values(b.values(floats)) {}

  HD void advance() { swap(now, next); }

  HD void load_state(InRows<float> feature) {
    b.load({feature.data, n, shape.deter, feature.stride}, now, 0);
    b.load({feature.data + shape.deter, n, shape.stochastic(), feature.stride}, now, at.z);
  }
  /// [h z] as the rows of step t.
  HD void unload_state(Region from, OutRows<float> feature, int t) {
    float* const rows = feature.row(t * n);
    b.unload(from, 0, {rows, n, shape.deter, feature.stride});
    b.unload(from, at.z, {rows + shape.deter, n, shape.stochastic(), feature.stride});
  }

  /// Hidden layers and an output into values; returns the layer after them. `added` to the first one's sums.
  template <class Input, class Added = NothingAdded>
  HD JointLayer const* tower(JointLayer const* layer, int depth, Input const& in,
                             Added const& added = {}) {
    hidden(*layer++, in, p, 0, added);
    b.sync();
    swap(p, q);
    for (int l = 1; l < depth; ++l) {
      hidden(*layer++, b.input(q, 0), p, 0);
      b.sync();
      swap(p, q);
    }
    b.joint(*layer, b.input(q, 0), [&](auto to, auto v) {
      b.put(values, to, v);
      keep_output(*layer, to, v);
    });
    b.sync();
    return layer + 1;
  }

  /// h of the next state; returns the layer after the recurrence.
  HD JointLayer const* recurrence(JointLayer const* layer) {
    if constexpr (kCore == RssmCore::block)
      return block_core(layer);
    else if constexpr (kCore == RssmCore::layer_norm)
      return layer_norm_core(layer);
    else
      return reset_after_core(layer);
  }

  template <class F>
  HD UintOf<F> streams(Lane<F> lane, int k) const {
    return gather(draws.stream.data + static_cast<std::ptrdiff_t>(k) * n, b.any_row(iota(lane)));
  }

  /// z of the next state from values, with the numbers of the k-th n streams.
  HD void draw_state(int k) {
    LatentsShape const& z = shape.latents;
    if (z.kind == LatentsShape::Kind::categorical) {
      b.each((z.groups + 3) / 4,
             [&](int block, auto lane) { draw_groups(lane, block, streams(lane, k)); });
    } else {
      b.each((z.gaussian + 1) / 2,
             [&](int pair, auto lane) { draw_numbers(lane, pair, streams(lane, k)); });
    }
  }

 private:
  HD static void swap(Region& x, Region& y) {
    Region const last = x;
    x = y;
    y = last;
  }

  template <class At, class V>
  HD void keep_rows(float* all, int cols, int stride, At to, V v) const {
    if (all == nullptr) return;
    b.store(OutRows<float>(all + static_cast<std::ptrdiff_t>(step) * n * stride, n, cols, stride),
            to, v);
  }
  template <class At, class V>
  HD void keep_output(JointLayer const& layer, At to, V v) const {
    keep_rows(layer.keep.output, layer.sums(), layer.keep.stride, to, v);
  }
  template <class At, class V>
  HD void keep_inner(JointLayer const& layer, At to, V v) const {
    keep_rows(layer.keep.inner, layer.sums(), layer.sums(), to, v);
  }
  template <class At, class V>
  HD void keep_norm(JointLayer const& layer, At to, V sum, V centre, V scale) const {
    keep_rows(layer.keep.sums, layer.sums(), layer.sums(), to, sum);
    if (to.col != 0) return;
    // A value may be two columns: the second one is written over.
    keep_rows(layer.keep.statistics, 2, 2, to, centre);
    to.col = 1;
    keep_rows(layer.keep.statistics, 2, 2, to, scale);
  }
  template <class At, class V>
  HD void keep_gates(JointLayer const& layer, At unit, V s0, V s1, V s2) const {
    if (layer.keep.output == nullptr || unit.col >= layer.outputs) return;
    for (int gate = 0; gate < 3; ++gate) {
      At to = unit;
      to.col = layer.row(unit.col, gate);
      keep_output(layer, to, gate == 0 ? s0 : gate == 1 ? s1 : s2);
    }
  }

  // A hidden layer into columns of a region.
  template <class Input, class Added = NothingAdded>
  HD void hidden(JointLayer const& layer, Input const& in, Region out, int first,
                 Added const& added = {}) {
    if constexpr (kNorm) {
      float const* const gain = layer.gain();
      float const share = 1.F / static_cast<float>(layer.outputs);
      auto const squares = row_statistic(
          [&](auto to, auto v) {
            auto const x = added(to, v);
            return x * x;
          },
          [=](auto sum) { return inverse_root(sum * share, 1e-4F); });
      with_activation<Block>(shape.activation, [&](auto kind) {
        b.joint(
            layer, in, out, first,
            [&](auto to, auto v, auto scale) {
              auto const x = added(to, v), normal = x * scale * Block::vector(gain, to),
                         y = activate(kind, normal);
              keep_norm(layer, to, x, zero(x), scale);
              keep_inner(layer, to, normal);
              keep_output(layer, to, y);
              return y;
            },
            squares);
      });
    } else {
      with_activation<Block>(shape.activation, [&](auto kind) {
        b.joint(layer, in, out, first, [&](auto to, auto v) {
          auto const x = added(to, v), y = activate(kind, x);
          keep_inner(layer, to, x);
          keep_output(layer, to, y);
          return y;
        });
      });
    }
  }

  template <class V>
  HD static V zero(V v) {
    return each(v, [](auto x) { return decltype(x)(0.F); });
  }
  template <class V>
  HD static V inverse_root(V mean, float epsilon) {
    return each(mean, [=](auto x) {
      using F = decltype(x);
      return F(1.F) / math::sqrt(x + F(epsilon));
    });
  }

  HD JointLayer const* block_core(JointLayer const* layer) {
    int const units = shape.units;
    for (int i = 0; i < 3; ++i)
      hidden(layer[i], b.input(now, i == 0 ? 0 : i == 1 ? at.z : at.a), joined, i * units);
    b.sync();
    hidden(layer[3], b.input(now, 0, joined, 0), inner, 0);
    b.sync();
    b.gates(layer[4], b.input(inner, 0), [&](auto u, auto r, auto c, auto z) {
      keep_gates(layer[4], u, r, c, z);
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

  HD JointLayer const* layer_norm_core(JointLayer const* layer) {
    int const deter = shape.deter;
    float const share = 1.F / static_cast<float>(3 * deter);
    float const *const gain = layer[1].gain(), *const shift = layer[1].shift();
    hidden(layer[0], b.input(now, at.z, now, at.a), joined, 0);
    b.sync();
    b.joint(
        layer[1], b.input(joined, 0, now, 0), inner, 0,
        [&](auto to, auto v, auto mean, auto scale) {
          auto const y = (v - mean) * scale * Block::vector(gain, to) + Block::vector(shift, to);
          keep_norm(layer[1], to, v, mean, scale);
          keep_output(layer[1], to, y);
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

  HD JointLayer const* reset_after_core(JointLayer const* layer) {
    hidden(layer[0], b.input(now, at.z, now, at.a), joined, 0);
    b.sync();
    b.gates(layer[1], b.input(joined, 0), layer[2], b.input(now, 0),
            [&](auto u, auto xr, auto xu, auto xc, auto hr, auto hu, auto hc) {
              keep_gates(layer[1], u, xr, xu, xc);
              keep_gates(layer[2], u, hr, hu, hc);
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

  // Four groups share a block of random words.
  template <class F>
  HD void draw_groups(Lane<F> lane, int block, UintOf<F> stream) {
    LatentsShape const& z = shape.latents;
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
        b.set(next, at.z + column + k, lane, select(drawn == IntOf<F>(k), F(1.F), F(0.F)));
    }
  }

  template <class F>
  HD void draw_numbers(Lane<F> lane, int pair, UintOf<F> stream) {
    LatentsShape const& z = shape.latents;
    auto const words =
        draws.latent_block(stream, UintOf<F>(draws.tick[0]), UintOf<F>(unsigned(pair)));
    for (int i = 0; i < 2 && 2 * pair + i < z.gaussian; ++i) {
      int const d = 2 * pair + i;
      F const noise = i == 0 ? normal_of(unit_interval<F>(words.x), unit_interval<F>(words.y))
                             : normal_of(unit_interval<F>(words.z), unit_interval<F>(words.w));
      F const deviation = math::softplus(values.load(z.gaussian + d, lane)) + F(z.least_deviation);
      b.set(next, at.z + d, lane, math::fma(deviation, noise, values.load(d, lane)));
    }
  }
};

}  // namespace loom
