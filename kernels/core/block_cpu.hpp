#pragma once
// The CPU's Block: one task of 64 rows. A tile is float[feature][64]; a value is kLanes rows of one
// column.
#include <algorithm>
#include <kernels/core/block.hpp>
#include <kernels/core/compact.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/core/math.hpp>
#include <type_traits>
#include <utility>

namespace loom {

namespace dense_cpu {
/// Columns of a tile that a sum runs over.
struct Segment {
  float const* in;
  int inputs;
};
/// out[j][64] = bias[j] + sum_k w[k][j] in[k][64] for `columns` <= kPanel columns j, k running through
/// all segments; of the 64 rows the first `rows`, whole packs of them.
void panel(int columns, int rows, Segment const* segments, int count, float const* w,
           float const* bias, float* out);
/// Rows of a row-major matrix -> columns of a tile; missing rows become zeros.
void transpose_in(float const* from, int stride, int rows, int cols, float* tile);
/// Columns of a tile -> rows of a row-major matrix.
void transpose_out(float const* tile, int cols, float* to, int stride, int rows);
/// The calling thread's own memory, at least so many floats, 64-byte aligned; kept until the thread
/// ends.
float* scratch(std::size_t floats);
[[noreturn]] void out_of_order(int inputs, int outputs);
[[noreturn]] void no_room(char const* what, int asked, int have);
}  // namespace dense_cpu

template <class F>
class CpuJointBlock;

/// F: the lanes of lanes(). Dense layers always use the widest; their bits do not depend on it.
template <class F>
class CpuBlock {
 public:
  static constexpr int kRows = kTile;
  using V = Wide;
  static constexpr bool kSmallDense = true;  // may be instantiated freely
  struct At {
    int row, col;  // rows row .. row + kLanes - 1 of the tile, one column
  };
  struct Tile {
    float* p;
    int cols;
  };
  class Values {
   public:
    Values() = default;
    Values(float* p, int first) : p_(p), first_(first) {}
    HD F load(int col, Lane<F> lane) const {
      return F(
          loom::load(static_cast<float const*>(p_ + col * kRows), Lane<F>{lane.index - first_}));
    }
    HD void store(int col, Lane<F> lane, F x) const {
      loom::store(p_ + col * kRows, Lane<F>{lane.index - first_}, x);
    }

   private:
    friend CpuBlock;
    template <class>
    friend class CpuJointBlock;
    float* p_ = nullptr;
    int first_ = 0;
  };

  CpuBlock(BlockNeeds const& needs, int rows)
      : rows_(rows),
        buffers_(needs.tiles + 1),
        tile_floats_(static_cast<std::size_t>(std::max(needs.width, 1)) * kRows),
        values_size_(needs.values),
        tape_(needs.tape),
        next_(needs.tape.segments[0].begin) {
    // Tiles (one more than live at once: a layer cannot overwrite its input), values, one panel.
    std::size_t const values = static_cast<std::size_t>(needs.values) * kRows;
    tiles_ = dense_cpu::scratch(buffers_ * tile_floats_ + values + kPanel * kRows);
    values_ = tiles_ + buffers_ * tile_floats_;
    panel_ = values_ + values;
  }

  template <class Body>
  void run(Body const& body, int begin, int end) {
    for (first_ = begin; first_ < end; first_ += kRows) {
      // Few rows, as of a single environment: one pack of them instead of the whole tile.
      live_ = rows_ - first_ <= kLanes ? kLanes : kRows;
      used_ = 0;
      values_used_ = 0;
      body(*this);
    }
  }

  int first() const { return first_; }
  int rows() const { return rows_; }
  void sync() const {}

  template <class Each>
  HD void lanes(Each const& each) const {
    for (int i = 0; i < live_; i += kWidth<F>) each(Lane<F>{first_ + i});
  }

  template <class Common, class Rare>
  HD void compacted(Common const& common, Rare const& rare) const {
    run_compacted<F>(common, rare, first_, first_ + live_);
  }

  Values values(int n) {
    if (values_used_ + n > values_size_)
      dense_cpu::no_room("values", values_used_ + n, values_size_);
    Values const v(values_ + static_cast<std::size_t>(values_used_) * kRows, first_);
    values_used_ += n;
    return v;
  }

  Tile load(InRows<float> x) {
    Tile const t = tile(x.cols);
    int const left = std::clamp(x.rows - first_, 0, kRows);
    dense_cpu::transpose_in(left > 0 ? x.row(first_) : nullptr, x.stride, left, x.cols, t.p);
    return t;
  }
  Tile tile(int cols) {
    if (static_cast<std::size_t>(cols) * kRows > tile_floats_)
      dense_cpu::no_room("columns", cols, static_cast<int>(tile_floats_ / kRows));
    return {take(), cols};
  }
  template <class Each>
  HD Tile tile(int cols, Each const& each) {
    Tile const t = tile(cols);
    for (int c = 0; c < cols; ++c) lanes([&](Lane<F> lane) { set(t, c, lane, each(c, lane)); });
    return t;
  }
  template <class Each>
  HD Tile tile_after_sync(int cols, Each const& each) {
    return tile(cols, each);
  }
  HD void set(Tile t, int col, Lane<F> lane, F x) const {
    loom::store(t.p + col * kRows, Lane<F>{lane.index - first_}, x);
  }

  static Kept<Tile> keep(Tile t) { return {t, true}; }
  static Kept<Tile> use(Tile t) { return {t, false}; }
  static Kept<Tile> use(Kept<Tile> t) { return t; }

  template <class Epilogue>
  HD auto dense(Tile in, DenseLayer const& layer, Epilogue const& epilogue) {
    return dense(use(in), layer, epilogue);
  }
  template <class Epilogue>
  HD auto dense(Kept<Tile> in, DenseLayer const& layer, Epilogue const& epilogue) {
    check_order(layer);
    if constexpr (makes_tile<Epilogue>()) {
      Tile const out = tile(layer.outputs);
      // All columns, then all epilogues: a panel at a time cost 3 % of a 64-wide layer.
      panels(
          in.tile, layer, [&](int n) { return out.p + static_cast<std::size_t>(n) * kRows; },
          [](int, int, float*) {});
      finish(0, layer.outputs, out.p, [&](At at, float* p) { write(p, epilogue(at, read(p))); });
      if (!in.alive) drop(in.tile);
      return out;
    } else {
      panels(
          in.tile, layer, [&](int) { return panel_; },
          [&](int n, int columns, float* sums) {
            finish(n, columns, sums, [&](At at, float* p) { epilogue(at, read(p)); });
          });
      if (!in.alive) drop(in.tile);
    }
  }

  template <class Epilogue>
  HD auto head(Kept<Tile> in, DenseLayer const& layer, Epilogue const& epilogue) {
    return dense(in, layer, epilogue);
  }

  /// Makes a tile for its own use even when the epilogue stores for itself.
  template <class Input, class Epilogue, class... Statistics>
  HD auto dense_rows(Input in, DenseLayer const& layer, Epilogue const& epilogue,
                     Statistics const&... statistics) {
    Tile const t = dense(in, layer, [](At, V v) { return v; });
    constexpr auto kAll = std::index_sequence_for<Statistics...>{};
    for (int row = 0; row < live_; row += kLanes)
      finish_rows(t, row, epilogue, kAll, statistics...);
    if constexpr (std::is_void_v<decltype(with_totals(epilogue, At{}, V{}, nullptr, kAll))>)
      drop(t);
    else
      return t;
  }

  HD void store(OutRows<float> y, At at, V v) const {
    int const row = first_ + at.row, left = std::min(y.rows - row, kLanes);
    if (left <= 0) return;
    float* const p = y.row(row) + at.col;
    for (int i = 0; i < left; ++i) p[static_cast<std::ptrdiff_t>(i) * y.stride] = v[i];
  }
  HD void put(Values const& values, At at, V v, int first_col = 0) const {
    write(values.p_ + (at.col + first_col) * kRows + at.row, v);
  }

  HD V fetch(InRows<float> x, At at) const {
    int const row = first_ + at.row, left = std::min(x.rows - row, kLanes);
    V v(0.F);
    if (left <= 0) return v;
    float const* const p = x.row(row) + at.col;
    for (int i = 0; i < left; ++i) v.v[i] = p[static_cast<std::ptrdiff_t>(i) * x.stride];
    return v;
  }
  HD V fetch(Values const& values, At at, int first_col = 0) const {
    return read(values.p_ + (at.col + first_col) * kRows + at.row);
  }
  HD V fetch_row(Values const& values, At at, int col) const {
    return read(values.p_ + col * kRows + at.row);
  }
  HD V fetch(Tile t, At at) const { return read(t.p + at.col * kRows + at.row); }

 private:
  static constexpr int kPanel = dense_layout::kPanel;
  template <class Epilogue>
  static constexpr bool makes_tile() {
    return !std::is_void_v<decltype(std::declval<Epilogue>()(At{}, V{}))>;
  }
  static HD V read(float const* p) { return loom::load(p, Lane<V>{0}); }
  static HD void write(float* p, V v) { loom::store(p, Lane<V>{0}, v); }

  // The panel's sums go through memory that stays in the first-level cache: the accumulators are
  // then free for the epilogue, and the micro-kernel exists once, not once an epilogue.
  template <class Place, class Then>
  HD void panels(Tile in, DenseLayer const& layer, Place const& place, Then const& then) const {
    auto const* w = reinterpret_cast<float const*>(layer.weights);
    for (int n = 0; n < layer.outputs; n += kPanel) {
      int const columns = std::min(kPanel, layer.outputs - n);
      float* const p = place(n);
      dense_cpu::Segment const segment{in.p, layer.inputs};
      dense_cpu::panel(columns, live_, &segment, 1, w, layer.bias + n, p);
      w += static_cast<std::size_t>(columns) * layer.inputs;
      then(n, columns, p);
    }
  }
  // One flat loop: its constants then stay in registers.
  template <class Each>
  HD void finish(int n, int columns, float* p, Each const& each) const {
    int const step = live_ == kRows ? kLanes : kRows;
    LOOM_NO_UNROLL
    for (int i = 0; i < columns * kRows; i += step) each(At{i % kRows, n + i / kRows}, p + i);
  }

  // f(at, v, totals[0], totals[1], ...)
  template <class F_, std::size_t... I>
  static HD auto with_totals(F_ const& f, At at, V v, V const* totals, std::index_sequence<I...>) {
    return f(at, v, totals[I]...);
  }
  template <class S, class Known>
  static HD V total(Tile t, int row, S const& s, V const* totals, Known known) {
    V v(S::kNeutral);
    for (int c = 0; c < t.cols; ++c)
      v = S::merge(v, with_totals(s.f, At{row, c}, read(t.p + c * kRows + row), totals, known));
    return v;
  }
  template <class Epilogue, std::size_t... I, class... Statistics>
  static HD void finish_rows(Tile t, int row, Epilogue const& epilogue,
                             std::index_sequence<I...> all, Statistics const&... statistics) {
    V totals[sizeof...(Statistics)];
    ((totals[I] = total(t, row, statistics, totals, std::make_index_sequence<I>{})), ...);
    for (int c = 0; c < t.cols; ++c) {
      At const at{row, c};
      float* const p = t.p + c * kRows + row;
      if constexpr (std::is_void_v<decltype(with_totals(epilogue, at, V{}, totals, all))>)
        with_totals(epilogue, at, read(p), totals, all);
      else
        write(p, with_totals(epilogue, at, read(p), totals, all));
    }
  }

  void drop(Tile t) { used_ &= ~(1U << (static_cast<std::size_t>(t.p - tiles_) / tile_floats_)); }
  float* take() {
    for (std::size_t i = 0; i < buffers_; ++i)
      if ((used_ >> i & 1) == 0) {
        used_ |= 1U << i;
        return tiles_ + i * tile_floats_;
      }
    dense_cpu::no_room("tiles", static_cast<int>(buffers_), static_cast<int>(buffers_) - 1);
  }

  // Wide layers must come as they lie on the tape, or the GPU would multiply with other weights.
  HD void check_order(DenseLayer const& layer) {
    if (dense_layout::narrow(layer.outputs)) return;
    if (tape_.count == 0 || layer.weights != next_)
      dense_cpu::out_of_order(layer.inputs, layer.outputs);
    next_ += sizeof(float) * static_cast<std::size_t>(layer.inputs) * layer.outputs;
    if (next_ == tape_.segments[segment_].begin + tape_.segments[segment_].bytes) {
      segment_ = segment_ + 1 == tape_.count ? 0 : segment_ + 1;
      next_ = tape_.segments[segment_].begin;
    }
  }

  int first_ = 0, rows_, live_ = kRows;
  std::size_t buffers_, tile_floats_;
  float *tiles_, *values_, *panel_;
  int values_size_, values_used_ = 0;
  std::uint32_t used_ = 0;
  Tape tape_;
  int segment_ = 0;
  std::byte const* next_;
};

/// Brings a stack's weights into the CPU's order.
void pack_dense(Cpu exec, PackDense const& plan);

/// Runs body on every tile of 64 rows of [0, rows), in blocks with the lanes that exec asks for.
template <template <class> class Block, class Needs, class Body>
void launch_tiles(Cpu exec, int rows, Needs const& needs, Body const& body) {
  for_slices(exec, rows, kTile, [&](int begin, int end) {
    if (exec.lanes == 1)
      Block<float>(needs, rows).run(body, begin, end);
    else if (exec.lanes == 8 && kLanes != 8)
      Block<Pack<float, 8>>(needs, rows).run(body, begin, end);
    else
      Block<Wide>(needs, rows).run(body, begin, end);
  });
}

/// kBlockRows is the GPU's: rows a block, 16, 64 or 128.
template <int kBlockRows = 64, class Body>
void launch_blocks(Cpu exec, int rows, BlockNeeds const& needs, Body const& body) {
  launch_tiles<CpuBlock>(exec, rows, needs, body);
}

}  // namespace loom
