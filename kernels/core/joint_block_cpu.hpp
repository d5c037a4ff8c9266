#pragma once
// The CPU's block of joint layers: one task of 64 rows, float[column][64].
#include <kernels/core/block_cpu.hpp>
#include <kernels/core/joint_block.hpp>

namespace loom {

template <class F>
class CpuJointBlock {
 public:
  static constexpr int kRows = kTile;
  using V = Wide;
  static constexpr bool kSmallDense = true;
  struct At {
    int row, col;
  };
  struct Region {
    float* p;
  };
  using Values = typename CpuBlock<F>::Values;
  struct JointInput {
    float const* p[2];
  };

  CpuJointBlock(JointNeeds const& needs, int rows)
      : rows_(rows),
        floats_(static_cast<std::size_t>(needs.columns + needs.values) * kRows),
        memory_(dense_cpu::scratch(floats_ + 2 * kPanel * kRows)),
        panel_(memory_ + floats_),
        tape_(needs.tape),
        next_(needs.tape.segments[0].begin) {}

  template <class Body>
  void run(Body const& body, int begin, int end) {
    for (first_ = begin; first_ < end; first_ += kRows) {
      // Few rows, as of an update's sequences: the packs that they fill instead of the whole tile.
      live_ = std::min(kRows, (rows_ - first_ + kLanes - 1) / kLanes * kLanes);
      used_ = 0;
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
  template <class Each>
  HD void each(int n, Each const& each) const {
    for (int k = 0; k < n; ++k) lanes([&](Lane<F> lane) { each(k, lane); });
  }

  Region region(int cols) { return {take(cols)}; }
  Values values(int n) { return Values(take(n), first_); }

  void load(InRows<float> x, Region r, int first) const {
    int const left = std::clamp(x.rows - first_, 0, kRows);
    dense_cpu::transpose_in(left > 0 ? x.row(first_) : nullptr, x.stride, left, x.cols,
                            column(r, first));
  }
  void unload(Region r, int first, OutRows<float> y) const {
    int const left = std::clamp(y.rows - first_, 0, kRows);
    if (left > 0) dense_cpu::transpose_out(column(r, first), y.cols, y.row(first_), y.stride, left);
  }
  HD void set(Region r, int col, Lane<F> lane, F x) const {
    loom::store(column(r, col), Lane<F>{lane.index - first_}, x);
  }
  HD F get(Region r, int col, Lane<F> lane) const {
    return loom::load(static_cast<float const*>(column(r, col)), Lane<F>{lane.index - first_});
  }
  template <class T, class X>
  HD void write(OutRows<T> y, int col, Lane<F> lane, X x) const {
    for (int l = 0; l < kWidth<F> && lane.index + l < y.rows; ++l)
      if constexpr (kWidth<F> == 1)
        y.row(lane.index)[col] = static_cast<T>(x);
      else
        y.row(lane.index + l)[col] = x[l];
  }
  HD IntOf<F> any_row(IntOf<F> i) const {
    return select(i < IntOf<F>(rows_), i, IntOf<F>(rows_ - 1));
  }

  static JointInput input(Region r0, int first0) { return {{column(r0, first0), nullptr}}; }
  static JointInput input(Region r0, int first0, Region r1, int first1) {
    return {{column(r0, first0), column(r1, first1)}};
  }

  template <class Epilogue, class... Statistics>
  HD void joint(JointLayer const& layer, JointInput const& in, Region out, int first,
                Epilogue const& epilogue, Statistics const&... statistics) {
    check_order(layer);
    float* const y = column(out, first);
    panels(
        layer, in, [&](int n) { return y + n * kRows; }, [](int, int, float*) {});
    if constexpr (sizeof...(Statistics) == 0) {
      finish(0, layer.outputs, y, [&](At at, float* p) { write(p, epilogue(at, read(p))); });
    } else {
      constexpr auto kAll = std::index_sequence_for<Statistics...>{};
      for (int row = 0; row < live_; row += kLanes)
        finish_rows(y + row, row, layer.outputs, epilogue, kAll, statistics...);
    }
  }
  template <class Epilogue>
  HD void joint(JointLayer const& layer, JointInput const& in, Epilogue const& epilogue) {
    check_order(layer);
    panels(
        layer, in, [&](int) { return panel_; },
        [&](int n, int columns, float* sums) {
          finish(n, columns, sums, [&](At at, float* p) { epilogue(at, read(p)); });
        });
  }

  template <class Epilogue>
  HD void gates(JointLayer const& layer, JointInput const& in, Epilogue const& epilogue) {
    check_order(layer);
    panels(
        layer, in, [&](int) { return panel_; },
        [&](int n, int columns, float* a) {
          units(n, columns, [&](At at, int i) {
            epilogue(at, read(a + i), read(a + i + kRows), read(a + i + 2 * kRows));
          });
        });
  }
  template <class Epilogue>
  HD void gates(JointLayer const& layer, JointInput const& in, JointLayer const& other,
                JointInput const& from, Epilogue const& epilogue) {
    check_order(layer);
    check_order(other);
    float* const b = panel_ + kPanel * kRows;
    auto const* w = reinterpret_cast<float const*>(other.weights);
    panels(
        layer, in, [&](int) { return panel_; },
        [&](int n, int columns, float* a) {
          panel(other, from, n, columns, w, b);
          units(n, columns, [&](At at, int i) {
            epilogue(at, read(a + i), read(a + i + kRows), read(a + i + 2 * kRows), read(b + i),
                     read(b + i + kRows), read(b + i + 2 * kRows));
          });
        });
  }

  HD void put(Values const& values, At at, V v) const {
    write(values.p_ + at.col * kRows + at.row, v);
  }
  HD void put(Region r, int first, At at, V v) const {
    write(column(r, first + at.col) + at.row, v);
  }
  HD V fetch(Region r, int first, At at) const { return read(column(r, first + at.col) + at.row); }
  static HD V vector(float const* p, At at) { return V(p[at.col]); }
  HD void store(OutRows<float> y, At at, V v) const {
    int const row = first_ + at.row, left = std::min(y.rows - row, kLanes);
    if (left <= 0) return;
    float* const p = y.row(row) + at.col;
    for (int i = 0; i < left; ++i) p[static_cast<std::ptrdiff_t>(i) * y.stride] = v[i];
  }

 private:
  static constexpr int kPanel = dense_layout::kPanel;
  static HD float* column(Region r, int col) {
    return r.p + static_cast<std::ptrdiff_t>(col) * kRows;
  }
  static HD V read(float const* p) { return loom::load(p, Lane<V>{0}); }
  static HD void write(float* p, V v) { loom::store(p, Lane<V>{0}, v); }

  float* take(int cols) {
    std::size_t const n = static_cast<std::size_t>(cols) * kRows;
    if (used_ + n > floats_)
      dense_cpu::no_room("columns", static_cast<int>((used_ + n) / kRows),
                         static_cast<int>(floats_ / kRows));
    float* const p = memory_ + used_;
    used_ += n;
    return p;
  }

  // Wide layers must come as they lie on the tape, or the GPU would multiply with other weights.
  HD void check_order(JointLayer const& layer) {
    if (joint_layout::narrow(layer)) return;
    TapeSegment const tape = tape_.segments[0];
    if (layer.weights != next_) dense_cpu::out_of_order(layer.width(), layer.sums());
    next_ += sizeof(float) * elements(layer.sums(), layer.width());
    if (next_ == tape.begin + tape.bytes) next_ = tape.begin;
  }
  // Columns n .. n + columns - 1 of the sums in the packed order; w moves on behind them.
  HD void panel(JointLayer const& layer, JointInput const& in, int n, int columns, float const*& w,
                float* out) const {
    int const part = layer.inputs[0] / layer.blocks,
              block = layer.blocks == 1 ? 0 : n / (layer.sums() / layer.blocks);
    dense_cpu::Segment const segments[2] = {{in.p[0] + block * part * kRows, part},
                                            {in.p[1], layer.inputs[1]}};
    dense_cpu::panel(columns, live_, segments, layer.inputs[1] > 0 ? 2 : 1, w, layer.bias() + n,
                     out);
    w += static_cast<std::ptrdiff_t>(columns) * layer.width();
  }
  template <class Place, class Then>
  HD void panels(JointLayer const& layer, JointInput const& in, Place const& place,
                 Then const& then) const {
    auto const* w = reinterpret_cast<float const*>(layer.weights);
    int const block = layer.sums() / layer.blocks;
    for (int first = 0; first < layer.sums(); first += block)
      for (int n = first; n < first + block; n += kPanel) {
        int const columns = std::min(kPanel, first + block - n);
        float* const p = place(n);
        panel(layer, in, n, columns, w, p);
        then(n, columns, p);
      }
  }
  template <class Each>
  HD void finish(int n, int columns, float* p, Each const& each) const {
    LOOM_NO_UNROLL
    for (int column = 0; column < columns; ++column, p += kRows) LOOM_NO_UNROLL
    for (int row = 0; row < live_; row += kLanes) each(At{row, n + column}, p + row);
  }
  // f(at, offset of the unit's first sum in the panel)
  template <class Each>
  HD void units(int n, int columns, Each const& each) const {
    for (int u = 0; u < columns; u += 3)
      for (int row = 0; row < live_; row += kLanes) each(At{row, (n + u) / 3}, u * kRows + row);
  }

  template <class F_, std::size_t... I>
  static HD auto with_totals(F_ const& f, At at, V v, V const* totals, std::index_sequence<I...>) {
    return f(at, v, totals[I]...);
  }
  template <class S, class Known>
  static HD V total(float const* p, int row, int cols, S const& s, V const* totals, Known known) {
    V v(0.F);
    for (int c = 0; c < cols; ++c)
      v = v + with_totals(s.f, At{row, c}, read(p + c * kRows), totals, known);
    return s.finish(v);
  }
  template <class Epilogue, std::size_t... I, class... Statistics>
  static HD void finish_rows(float* p, int row, int cols, Epilogue const& epilogue,
                             std::index_sequence<I...> all, Statistics const&... statistics) {
    V totals[sizeof...(Statistics)];
    ((totals[I] = total(p, row, cols, statistics, totals, std::make_index_sequence<I>{})), ...);
    for (int c = 0; c < cols; ++c)
      write(p + c * kRows, with_totals(epilogue, At{row, c}, read(p + c * kRows), totals, all));
  }

  int first_ = 0, rows_, live_ = kRows;
  std::size_t floats_, used_ = 0;
  float *memory_, *panel_;
  Tape tape_;
  std::byte const* next_;
};

/// Brings layers into the CPU's order.
void pack_joint(Cpu exec, PackJoint const& plan);

/// Whether the machine has room for such a layer, and for such a block; whether outputs may begin in that
/// column of a region.
inline bool joint_fits(Cpu, JointShape const&) { return true; }
inline bool joint_begins(Cpu, int) { return true; }
template <int kBlockRows = 16>
bool joint_fits(Cpu, JointNeeds const&) {
  return true;
}

/// kBlockRows is the GPU's.
template <int kBlockRows = 16, class Body>
void launch_joint(Cpu exec, int rows, JointNeeds const& needs, Body const& body) {
  launch_tiles<CpuJointBlock>(exec, rows, needs, body);
}

}  // namespace loom
