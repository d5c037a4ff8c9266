#pragma once
// One tile of sequences through T recorded steps.
#include <kernels/dream/observe.hpp>
#include <kernels/dream/rssm_body.hpp>

namespace loom {

struct ObserveArguments {
  ObserveView model;
  ObserveInput in;
  OutRows<float> feature;
  int n, steps;
};

template <RssmCore kCore>
struct DreamObserve : ObserveArguments {
  template <class Block>
  HD void operator()(Block& b) const {
    ObserveShape const& s = model.shape;
    RssmTile<kCore, Block> tile(b, s, in.draws, n, s.latents.statistics());
    tile.load_state(in.start);
    for (int t = 0; t < steps; ++t) {
      tile.step = t;
      forget(tile, in.first.data + static_cast<std::ptrdiff_t>(t) * n);
      b.load({in.action.row(t * n), n, s.actions, in.action.stride}, tile.now, tile.at.a);
      // The first layer writes p and is through with q before the next one writes there.
      b.load({in.token_sums.row(t * n), n, s.units, in.token_sums.stride}, tile.q, 0);
      b.sync();
      JointLayer const* const posterior = tile.recurrence(model.stack.layers);
      tile.tower(posterior, s.posterior_layers, b.input(tile.next, 0),
                 [&, q = tile.q](auto to, auto v) { return v + b.fetch(q, 0, to); });
      tile.draw_state(t);
      b.sync();
      tile.unload_state(tile.next, feature, t);
      tile.advance();
    }
    // The next tile's rows must not overtake the last reads.
    b.sync();
  }

 private:
  // No state where an episode begins; hardly ever anywhere in the tile.
  template <class Tile>
  HD void forget(Tile& tile, float const* first) const {
    auto& b = tile.b;
    bool any_first = false;
    for (int i = b.first(); i < b.first() + b.kRows && i < n; ++i)
      any_first = any_first || first[i] != 0.F;
    if (!any_first) return;
    // What is overwritten has been loaded, or is being unloaded.
    b.sync();
    auto const clear = [&](int from, int columns) {
      b.each(columns, [&](int k, auto lane) { clear_column(tile, lane, first, from + k); });
    };
    clear(0, model.shape.deter);
    clear(tile.at.z, model.shape.stochastic());
  }
  template <class Tile, class F>
  HD void clear_column(Tile& tile, Lane<F> lane, float const* first, int column) const {
    auto& b = tile.b;
    F const begins = gather(first, b.any_row(iota(lane)));
    b.set(tile.now, column, lane,
          select(begins != F(0.F), F(0.F), F(b.get(tile.now, column, lane))));
  }
};

}  // namespace loom
