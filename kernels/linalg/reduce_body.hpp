#pragma once
#include <kernels/core/fold.hpp>
#include <kernels/core/math.hpp>

namespace loom::reduction {

// ---- what is accumulated ----

template <class F>
struct Total {
  F sum;
};

struct Sum {
  template <class F>
  using Value = Total<F>;
  static constexpr int kParts = 1;

  template <class F>
  HD static Total<F> empty() {
    return {F(0.F)};
  }
  template <class F>
  HD static void add(Total<F>& v, F x) {
    v.sum = v.sum + x;
  }
  template <class F>
  HD static void close(Total<F>&) {}
  template <class F>
  HD static Total<F> merge(Total<F> const& a, Total<F> const& b) {
    return {a.sum + b.sum};
  }
  template <class F>
  HD static Total<F> from_parts(F const* parts) {
    return {parts[0]};
  }
  template <class F>
  HD static void to_parts(Total<F> const& v, F* parts) {
    parts[0] = v.sum;
  }
};

struct SumOfSquares : Sum {
  template <class F>
  HD static void add(Total<F>& v, F x) {
    v.sum = math::fma(x, x, v.sum);
  }
};

/// While items are added: deviations from `mean`, which is the lane's first item. After close():
/// mean and sum of squared deviations from it.
template <class F>
struct MomentsValue {
  F count, mean, deviation, squares;
};

struct Moments {
  template <class F>
  using Value = MomentsValue<F>;
  static constexpr int kParts = 3;

  template <class F>
  HD static MomentsValue<F> empty() {
    return {F(0.F), F(0.F), F(0.F), F(0.F)};
  }
  template <class F>
  HD static void add(MomentsValue<F>& v, F x) {
    v.mean = select(v.count == F(0.F), x, v.mean);
    F const d = x - v.mean;
    v.count = v.count + F(1.F);
    v.deviation = v.deviation + d;
    v.squares = math::fma(d, d, v.squares);
  }
  template <class F>
  HD static void close(MomentsValue<F>& v) {
    F const shift = v.deviation / math::max(v.count, F(1.F));
    v.mean = v.mean + shift;
    v.squares = math::max(v.squares - v.deviation * shift, F(0.F));
    v.deviation = F(0.F);
  }
  template <class F>
  HD static MomentsValue<F> merge(MomentsValue<F> const& a, MomentsValue<F> const& b) {
    F const count = a.count + b.count;
    F const weight = b.count / math::max(count, F(1.F));
    F const d = b.mean - a.mean;
    return {count, math::fma(d, weight, a.mean), F(0.F),
            math::fma(d * d, a.count * weight, a.squares + b.squares)};
  }
  template <class F>
  HD static MomentsValue<F> from_parts(F const* parts) {
    return {parts[0], parts[1], F(0.F), parts[2]};
  }
  template <class F>
  HD static void to_parts(MomentsValue<F> const& v, F* parts) {
    parts[0] = v.count;
    parts[1] = v.mean;
    parts[2] = v.squares;
  }
};

// ---- where results go ----

struct StoreTotal {
  float* y;
  HD void operator()(int output, Total<float> const& v) const { y[output] = v.sum; }
};

struct StoreMoments {
  float* mean;
  float* variance;
  HD void operator()(int output, MomentsValue<float> const& v) const {
    mean[output] = v.mean;
    variance[output] = v.squares / v.count;
  }
};

/// Slot `output` of [slots][kParts].
template <class Rule>
struct StoreSlot {
  float* slots;
  HD void operator()(int output, typename Rule::template Value<float> const& v) const {
    Rule::to_parts(v, slots + static_cast<std::ptrdiff_t>(output) * Rule::kParts);
  }
};

// ---- how work is divided: from the shape alone ----

struct VectorPlan {
  int slab, slabs;
};

inline VectorPlan vector_plan(std::size_t n) {
  // 2048 blocks of 128 lanes fill a large GPU; below 4096 elements one block does.
  constexpr std::int64_t kMostSlabs = 2048, kLeastSlab = 4096;
  std::int64_t const count = static_cast<std::int64_t>(n);
  std::int64_t slab = (count + kMostSlabs - 1) / kMostSlabs;
  slab = (slab + kFoldLanes - 1) / kFoldLanes * kFoldLanes;
  slab = slab < kLeastSlab ? kLeastSlab : slab;
  return {static_cast<int>(slab), static_cast<int>((count + slab - 1) / slab)};
}

/// How rows are dealt to lanes: `interleave` neighbouring rows side by side, so that the lanes of a
/// slab cover interleave * cols consecutive elements, a whole number of packs, however few columns
/// there are.
struct ColumnPlan {
  int interleave;  // rows that a slab works on at a time
  int rows_a_lane;
  int slabs;

  HD int slots() const { return slabs * interleave; }
};

inline ColumnPlan column_plan(int rows, int cols) {
  int interleave = 16;
  while (interleave > 1 && cols % (16 / (interleave / 2)) == 0) interleave /= 2;
  while (interleave * cols < 64) interleave *= 2;
  // At least 32 rows a lane; at most 64k lanes and 8k slots a column.
  int const lanes = interleave * cols;
  int const most = lanes >= 65536 ? 1 : 65536 / lanes;
  int const slabs = most < 8192 / interleave ? most : 8192 / interleave;
  std::int64_t const step = static_cast<std::int64_t>(interleave) * slabs;
  int const needed = static_cast<int>((rows + step - 1) / step);
  int const rows_a_lane = needed < 32 ? 32 : needed;
  int const slab_rows = rows_a_lane * interleave;
  return {interleave, rows_a_lane, (rows + slab_rows - 1) / slab_rows};
}

// ---- folds ----

template <class R>
struct Ruled : R {
  using Rule = R;
};

/// Output o: elements [o * slab, (o + 1) * slab) of a vector.
template <class Rule, class Store>
struct FoldSlabs : Ruled<Rule> {
  float const* x;
  int n, slab;
  Store store;

  FoldSlabs(float const* x_, int n_, int slab_, Store store_)
      : x(x_), n(n_), slab(slab_), store(store_) {}

  HD int items(int output) const {
    int const left = n - output * slab;
    return left < slab ? left : slab;
  }
  template <class V, class F>
  HD void add(V& v, int output, Lane<F> item) const {
    Rule::add(v, load(x + static_cast<std::ptrdiff_t>(output) * slab, item));
  }
  template <class V>
  HD void finish(int output, V const& v) const {
    store(output, v);
  }
};

/// Output c: slots (k * outputs + c) for k in [0, count), each of kParts floats.
template <class Rule, class Store>
struct FoldSlots : Ruled<Rule> {
  float const* slots;
  int outputs, count;
  Store store;

  FoldSlots(float const* slots_, int outputs_, int count_, Store store_)
      : slots(slots_), outputs(outputs_), count(count_), store(store_) {}

  HD int items(int) const { return count; }
  template <class V, class F>
  HD void add(V& v, int output, Lane<F> item) const {
    F parts[Rule::kParts];
    IntOf<F> const at =
        (iota(item) * IntOf<F>(outputs) + IntOf<F>(output)) * IntOf<F>(Rule::kParts);
    for (int p = 0; p < Rule::kParts; ++p) parts[p] = gather(slots + p, at);
    v = Rule::merge(v, Rule::from_parts(parts));
  }
  template <class V>
  HD void close(V&) const {}
  template <class V>
  HD void finish(int output, V const& v) const {
    store(output, v);
  }
};

/// Lane i of slab s: column i % cols of rows s * slab + i / cols, + interleave, ...
template <class Rule>
struct AccumulateColumns {
  float const* x;
  int rows, cols, stride;
  ColumnPlan plan;
  float* slots;

  template <class F>
  HD void operator()(Lane<F> i) const {
    int const lanes = plan.interleave * cols;
    int const slab = i.index / lanes;
    int const first = i.index - slab * lanes;  // a pack never crosses a slab
    int const top = slab * plan.rows_a_lane * plan.interleave;
    auto v = Rule::template empty<F>();
    if (top + plan.rows_a_lane * plan.interleave <= rows && stride == cols) {
      float const* p = x + static_cast<std::ptrdiff_t>(top) * cols + first;
      for (int k = 0; k < plan.rows_a_lane; ++k, p += lanes) Rule::add(v, load(p, Lane<F>{0}));
      Rule::close(v);
      put(i, v);
    } else {
      // The last slab and padded rows: lane by lane.
      for (int l = 0; l < kWidth<F>; ++l) {
        auto one = Rule::template empty<float>();
        int const row = (first + l) / cols, col = (first + l) - row * cols;
        int const end = top + plan.rows_a_lane * plan.interleave;
        for (int r = top + row; r < end && r < rows; r += plan.interleave)
          Rule::add(one, x[static_cast<std::ptrdiff_t>(r) * stride + col]);
        Rule::close(one);
        put(Lane<float>{i.index + l}, one);
      }
    }
  }

  template <class V, class F>
  HD void put(Lane<F> i, V const& v) const {
    F parts[Rule::kParts];
    Rule::to_parts(v, parts);
    if constexpr (kWidth<F> == 1) {
      for (int p = 0; p < Rule::kParts; ++p)
        slots[static_cast<std::ptrdiff_t>(i.index) * Rule::kParts + p] = parts[p];
    } else {
      for (int l = 0; l < kWidth<F>; ++l)
        for (int p = 0; p < Rule::kParts; ++p)
          slots[static_cast<std::ptrdiff_t>(i.index + l) * Rule::kParts + p] = parts[p][l];
    }
  }
};

}  // namespace loom::reduction
