#pragma once
// Running mean and variance of observations, and what is made of them, on lanes.
#include <kernels/linalg/reduce_body.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

/// The moments of all batches so far, in device memory. The sums of a mean and its lost digits keep
/// a mean moving when a batch is a millionth of what it has seen.
struct RunningMoments {
  Out<std::uint64_t> count;           ///< (1): samples so far
  Out<float> mean, mean_low;          ///< (O): mean and its rounding error
  Out<float> variance, variance_low;  ///< (O): of the population, and its rounding error
  Out<float> inverse_deviation;       ///< (O): 1 / sqrt(variance + epsilon)
};

/// clip((x - mean) * inverse_deviation, +-limit).
template <class F>
HD F normalise(F x, F mean, F inverse_deviation, F limit) {
  return math::clamp((x - mean) * inverse_deviation, -limit, limit);
}

/// high + low += x, high the rounded sum (Knuth's two-sum).
HD void add_compensated(float& high, float& low, float x) {
  float const add = x + low;
  float const sum = high + add;
  float const shift = sum - high;
  low = (high - (sum - shift)) + (add - shift);
  high = sum;
}

/// Where the batch's observations lie: fields of the first `instances` of tiles, a number of steps.
struct ObservationTiles {
  float const* data;  // [steps][tiles][fields][64]
  int steps, instances, fields;

  HD int tiles() const { return (instances + kTile - 1) / kTile; }
};

/// At least 16 (step, tile) pairs a slab, and no more outputs than this unless there are more fields.
inline constexpr int kMomentOutputs = 1024;

struct MomentsPlan {
  int slab, slabs;
};
inline MomentsPlan moments_plan(int pairs, int fields) {
  int const most = fields >= kMomentOutputs ? 1 : kMomentOutputs / fields;
  int const needed = (pairs + most - 1) / most;
  int const slab = needed < 16 ? 16 : needed;
  return {slab, (pairs + slab - 1) / slab};
}

/// Output s * fields + o: moments of field o over slab s of all (step, tile), 64 items each.
struct TileMoments : reduction::Moments {
  using Rule = reduction::Moments;
  ObservationTiles x;
  int slab;  // (step, tile) pairs an output
  float* slots;
  std::uint64_t* count;

  HD int items(int output) const {
    int const pairs = x.steps * x.tiles();
    int const left = pairs - output / x.fields * slab;
    return (left < slab ? left : slab) * kTile;
  }
  template <class F>
  HD void add(reduction::MomentsValue<F>& v, int output, Lane<F> item) const {
    int const s = output / x.fields, field = output - s * x.fields;
    int const pair = s * slab + item.index / kTile;
    int const lane = item.index % kTile;
    // Instances that only fill up the last tile have no observations.
    auto const real = iota(Lane<F>{pair % x.tiles() * kTile + lane}) < IntOf<F>(x.instances);
    if (!any(real)) return;
    float const* const p =
        x.data + (static_cast<std::ptrdiff_t>(pair) * x.fields + field) * kTile + lane;
    F const value = load(p, Lane<F>{0});
    v.mean = select(v.count == F(0.F), select(real, value, v.mean), v.mean);
    F const d = select(real, value - v.mean, F(0.F));
    v.count = v.count + select(real, F(1.F), F(0.F));
    v.deviation = v.deviation + d;
    v.squares = math::fma(d, d, v.squares);
  }
  HD void finish(int output, reduction::MomentsValue<float> const& v) const {
    to_parts(v, slots + static_cast<std::ptrdiff_t>(output) * kParts);
    // Once a batch; the next launch is the first to read it.
    if (output == 0)
      *count += static_cast<std::uint64_t>(x.steps) * static_cast<std::uint64_t>(x.instances);
  }
};

/// Chan's merge of a batch into the running moments; count holds the batch already.
struct MergeMoments {
  RunningMoments running;
  float batch;  // samples
  float epsilon;

  HD void operator()(int o, reduction::MomentsValue<float> const& v) const {
    float const weight = batch / static_cast<float>(*running.count.data);
    float& mean = running.mean.data[o];
    float& variance = running.variance.data[o];
    float const batch_variance = v.squares / v.count;
    if (weight == 1.F) {
      // The first batch: what stood there before must not round it.
      mean = v.mean;
      variance = batch_variance;
      running.mean_low.data[o] = running.variance_low.data[o] = 0.F;
    } else {
      float const d = (v.mean - mean) - running.mean_low.data[o];
      float const more = (batch_variance - variance) - running.variance_low.data[o];
      add_compensated(mean, running.mean_low.data[o], d * weight);
      add_compensated(variance, running.variance_low.data[o],
                      math::fma(d * d, 1.F - weight, more) * weight);
    }
    running.inverse_deviation.data[o] = 1.F / math::sqrt(math::max(variance, 0.F) + epsilon);
  }
};

/// Element (row, field) of a row-major matrix.
struct NormaliseRows {
  InRows<float> x;
  In<float> mean, inverse_deviation;
  float limit;
  OutRows<float> y;

  HD void operator()(int row, int col) const {
    auto const c = static_cast<std::size_t>(col);
    y.row(row)[col] = normalise(x.row(row)[col], mean[c], inverse_deviation[c], limit);
  }
};

/// Lane i: element i of tiles [steps * N/64][fields][64].
struct NormaliseTiles {
  In<float> x;
  In<float> mean, inverse_deviation;
  float limit;
  Out<float> y;

  template <class F>
  HD void operator()(Lane<F> i) const {
    // A pack never crosses a field.
    auto const o = static_cast<std::size_t>(i.index / kTile) % mean.size;
    store(y, i, normalise<F>(load(x, i), F(mean[o]), F(inverse_deviation[o]), F(limit)));
  }
};

/// Lane i: the discounted return of instance i, carried over rollouts.
struct DiscountedReturn {
  In<float> reward;
  In<std::uint8_t> terminated, truncated;
  float gamma;
  int steps, instances;  // instances: of whole tiles
  Out<float> running, returns;

  template <class F>
  HD void operator()(Lane<F> i) const {
    F sum = load(In<float>(running), i);
    for (int t = 0; t < steps; ++t) {
      std::ptrdiff_t const at = static_cast<std::ptrdiff_t>(t) * instances;
      sum = math::fma(F(gamma), sum, load(reward, i, at));
      store(returns, i, sum, at);
      auto const over = load_mask(terminated.data + at, i);
      auto const cut = load_mask(truncated.data + at, i);
      sum = select(over | cut, F(0.F), sum);
    }
    store(running, i, sum);
  }
};

}  // namespace loom
