#pragma once
// The GPU's block of joint layers: 8 warps, 16 * MT rows, bf16[row][column] in shared memory. A value is two
// adjacent columns of one row, where the mma accumulators live.
//
// Wide layers: the warps split the columns, 1, 2, 4 or 8 n8 tiles each, or gates one n8 tile of units after the
// other; weights from a tape. Narrow ones (at most 32 outputs): the warps split the rows, weights read in place.
#include <kernels/core/device.hpp>
#include <kernels/core/error.hpp>
#include <kernels/core/fast_math.hpp>
#include <kernels/core/joint_block.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/core/mma_tile.hpp>
#include <kernels/core/pack_joint_gpu.hpp>
#include <kernels/core/weight_tape.hpp>
#include <type_traits>
#include <utility>

namespace loom {

template <int MT>
class GpuJointBlock {
 public:
  static constexpr int kRows = 16 * MT, kThreads = 256;
  using V = Two;
  static constexpr bool kSmallDense = false;
  struct At {
    int row, col;
  };
  struct Region {
    int at, stride;  // bytes from the first region, bytes a row
  };
  class Values {
   public:
    HD float load(int col, Lane<float> lane) const {
      return p_[col * kColumn + lane.index - first_];
    }
    HD void store(int col, Lane<float> lane, float x) const {
      p_[col * kColumn + lane.index - first_] = x;
    }

   private:
    friend GpuJointBlock;
    float* p_;
    int first_;
  };
  struct JointInput {
    Region region[2];
    int first[2];
  };

  HD static constexpr int region_bytes(JointNeeds const& needs) {
    return (needs.columns + 8 * needs.regions) * kRows * 2;
  }
  HD static constexpr int ring_bytes(JointNeeds const& needs) {
    return needs.tape.count > 0 ? WeightTape::kRing : 0;
  }
  HD static constexpr int shared_bytes(JointNeeds const& needs) {
    return kTable + ring_bytes(needs) + region_bytes(needs) +
           (needs.values + kStatistics) * kColumn * 4;
  }

  HD GpuJointBlock(char* shared, JointNeeds const& needs, int rows)
      : thread_(warp::thread()),
        lane_(thread_ & 31),
        warp_(thread_ >> 5),
        rows_(rows),
        regions_(shared + kTable + ring_bytes(needs)),
        regions_address_(warp::shared_address(regions_)),
        statistics_(reinterpret_cast<float*>(regions_ + region_bytes(needs))),
        values_(statistics_ + kStatistics * kColumn),
        tape_(reinterpret_cast<TapeSegment const*>(shared), needs.tape.count,
              warp::shared_address(shared + kTable), warp_, lane_) {
    // What lies between the pieces is multiplied by zero weights: it must be numbers.
    auto* const words = reinterpret_cast<std::uint32_t*>(regions_);
    for (int i = thread_; i < region_bytes(needs) / 4; i += kThreads) words[i] = 0;
    sync();
  }

  template <class Body>
  HD void run(Body const& body, int begin, int step) {
    LOOM_NO_UNROLL
    for (first_ = begin; first_ < rows_; first_ += step) {
      used_ = values_used_ = 0;
      body(*this);
    }
    tape_.drain();
  }

  HD int first() const { return first_; }
  HD int rows() const { return rows_; }
  HD void sync() const { warp::sync_block(); }

  template <class Each>
  HD void lanes(Each const& each) const {
    // The last threads: were a barrier after lanes() missing, the others would run past it at once.
    int const row = thread_ - (kThreads - kRows);
    if (row >= 0) each(Lane<float>{first_ + row});
  }
  template <class Each>
  HD void each(int n, Each const& each) const {
    LOOM_NO_UNROLL
    for (int i = kThreads - 1 - thread_; i < n * kRows; i += kThreads)
      each(i / kRows, Lane<float>{first_ + i % kRows});
  }

  HD Region region(int cols) {
    Region const r{used_, (cols + 8) * 2};
    used_ += r.stride * kRows;
    return r;
  }
  HD Values values(int n) {
    Values v;
    v.p_ = values_ + values_used_ * kColumn;
    v.first_ = first_;
    values_used_ += n;
    return v;
  }

  HD void load(InRows<float> x, Region r, int first) const {
    int const pairs = (x.cols + 1) / 2;
    for (int row = warp_; row < kRows; row += 8) {
      bool const live = first_ + row < x.rows;
      float const* const p = live ? x.row(first_ + row) : nullptr;
      for (int c = lane_; c < pairs; c += 32)
        word(r, row, first + 2 * c) =
            warp::pack2(live ? p[2 * c] : 0.F, live && 2 * c + 1 < x.cols ? p[2 * c + 1] : 0.F);
    }
  }
  HD void unload(Region r, int first, OutRows<float> y) const {
    int const pairs = (y.cols + 1) / 2;
    for (int row = warp_; row < kRows; row += 8) {
      if (first_ + row >= y.rows) break;
      float* const p = y.row(first_ + row);
      for (int c = lane_; c < pairs; c += 32) {
        std::uint32_t const w = word(r, row, first + 2 * c);
        p[2 * c] = warp::low(w);
        if (2 * c + 1 < y.cols) p[2 * c + 1] = warp::high(w);
      }
    }
  }
  HD void set(Region r, int col, Lane<float> lane, float x) const {
    half(r, lane.index - first_, col) = static_cast<std::uint16_t>(warp::pack2(x, 0.F));
  }
  HD float get(Region r, int col, Lane<float> lane) const {
    return warp::low(half(r, lane.index - first_, col));
  }
  template <class T>
  HD void write(OutRows<T> y, int col, Lane<float> lane, T x) const {
    if (lane.index < y.rows) y.row(lane.index)[col] = x;
  }
  HD std::int32_t any_row(std::int32_t i) const { return i < rows_ ? i : rows_ - 1; }

  HD static JointInput input(Region r0, int first0) { return {{r0, r0}, {first0, 0}}; }
  HD static JointInput input(Region r0, int first0, Region r1, int first1) {
    return {{r0, r1}, {first0, first1}};
  }

  template <class Epilogue, class... Statistics>
  HD void joint(JointLayer const& layer, JointInput const& in, Region out, int first,
                Epilogue const& epilogue, Statistics const&... statistics) {
    auto const finish = [&](At at, Two v, auto... totals) {
      put(out, first, at, epilogue(at, v, totals...));
    };
    run_layer(layer, in, finish, statistics...);
  }
  template <class Epilogue>
  HD void joint(JointLayer const& layer, JointInput const& in, Epilogue const& epilogue) {
    run_layer(layer, in, epilogue);
  }

  template <class Epilogue>
  HD void gates(JointLayer const& layer, JointInput const& in, Epilogue const& epilogue) {
    outputs_ = layer.outputs;
    LOOM_NO_UNROLL
    for (int j = 0; j < joint_layout::per_warp(layer); ++j) {
      float a[MT][3][4];
      int const col = (warp_ * joint_layout::per_warp(layer) + j) * 8 + lane_col();
      gate_sums(a, layer, in, col, j);
      LOOM_UNROLL
      for (int m = 0; m < MT; ++m) LOOM_UNROLL
      for (int h = 0; h < 4; h += 2)
        epilogue(At{m * 16 + lane_row() + 4 * h, col}, pair(a[m][0], h), pair(a[m][1], h),
                 pair(a[m][2], h));
    }
  }
  template <class Epilogue>
  HD void gates(JointLayer const& layer, JointInput const& in, JointLayer const& other,
                JointInput const& from, Epilogue const& epilogue) {
    outputs_ = layer.outputs;
    LOOM_NO_UNROLL
    for (int j = 0; j < joint_layout::per_warp(layer); ++j) {
      float a[MT][3][4], b[MT][3][4];
      int const col = (warp_ * joint_layout::per_warp(layer) + j) * 8 + lane_col();
      gate_sums(a, layer, in, col, j);
      gate_sums(b, other, from, col, j);
      LOOM_UNROLL
      for (int m = 0; m < MT; ++m) LOOM_UNROLL
      for (int h = 0; h < 4; h += 2)
        epilogue(At{m * 16 + lane_row() + 4 * h, col}, pair(a[m][0], h), pair(a[m][1], h),
                 pair(a[m][2], h), pair(b[m][0], h), pair(b[m][1], h), pair(b[m][2], h));
    }
  }

  HD void put(Values const& values, At at, Two v) const {
    float* const p = values.p_ + at.col * kColumn + at.row;
    if (at.col < outputs_) p[0] = v.lo;
    if (at.col + 1 < outputs_) p[kColumn] = v.hi;
  }
  HD void put(Region r, int first, At at, Two v) const {
    if (at.col < outputs_) word(r, at.row, first + at.col) = warp::pack2(v.lo, v.hi);
  }
  HD Two fetch(Region r, int first, At at) const {
    if (at.col >= outputs_) return {0.F, 0.F};
    std::uint32_t const w = word(r, at.row, first + at.col);
    return {warp::low(w), warp::high(w)};
  }
  HD static Two vector(float const* p, At at) { return {p[at.col], p[at.col + 1]}; }
  HD void store(OutRows<float> y, At at, Two v) const {
    int const row = first_ + at.row;
    if (row >= y.rows || at.col >= y.cols) return;
    float* const p = y.row(row) + at.col;
    p[0] = v.lo;
    if (at.col + 1 < y.cols) p[1] = v.hi;
  }

 private:
  static constexpr int kTable = 128;         // bytes of the tape's segments
  static constexpr int kColumn = kRows + 4;  // floats: columns of a quad fall into different banks
  static constexpr int kStatistics =
      16;  // one column a warp, twice: the next statistic needs no barrier

  HD std::uint32_t& word(Region r, int row, int col) const {
    return *reinterpret_cast<std::uint32_t*>(regions_ + r.at + row * r.stride + col * 2);
  }
  HD std::uint16_t& half(Region r, int row, int col) const {
    return *reinterpret_cast<std::uint16_t*>(regions_ + r.at + row * r.stride + col * 2);
  }
  HD int lane_row() const { return lane_ >> 2; }
  HD int lane_col() const { return (lane_ & 3) * 2; }
  HD static Two pair(float const (&c)[4], int h) { return {c[h], c[h + 1]}; }
  HD std::uint32_t address(Region r, int row, int col) const {
    return regions_address_ + r.at + (row + (lane_ & 15)) * r.stride + col * 2 + (lane_ >> 4) * 16;
  }

  // Both pieces, for columns from `col` on.
  template <int M, int N, class Unit>
  HD void multiply(float (&sum)[M][N][4], JointLayer const& layer, JointInput const& in, int row,
                   int col, Unit const& unit) const {
    int const part = layer.inputs[0] / layer.blocks,
              block = layer.blocks == 1 ? 0 : col / (layer.outputs / layer.blocks);
    warp::multiply(sum, address(in.region[0], row, in.first[0] + block * part), in.region[0].stride,
                   dense_layout::k_steps(part), unit);
    if (layer.inputs[1] > 0)
      warp::multiply(sum, address(in.region[1], row, in.first[1]), in.region[1].stride,
                     dense_layout::k_steps(layer.inputs[1]), unit);
  }
  HD void gate_sums(float (&sum)[MT][3][4], JointLayer const& layer, JointInput const& in, int col,
                    int pass) {
    tape_.expect(layer.weights + pass * layer.stride * dense_layout::kUnit,
                 joint_layout::pass_units(layer));
    LOOM_UNROLL
    for (int g = 0; g < 3; ++g) LOOM_UNROLL
    for (int m = 0; m < MT; ++m)
      warp::begin(sum[m][g], layer.bias() + g * joint_layout::columns(layer) + col);
    multiply(sum, layer, in, 0, col, [&](int) { return tape_.next(); });
  }

  template <class E, class... S>
  HD void run_layer(JointLayer const& layer, JointInput const& in, E const& epilogue,
                    S const&... statistics) {
    outputs_ = layer.outputs;
    if (joint_layout::narrow(layer)) {
      narrow(layer, in, epilogue, statistics...);
      return;
    }
    tape_.expect(layer.weights, joint_layout::gpu_units(layer));
    switch (joint_layout::per_warp(layer)) {
      case 1:
        return wide<1>(layer, in, epilogue, statistics...);
      case 2:
        return wide<2>(layer, in, epilogue, statistics...);
      case 4:
        return wide<4>(layer, in, epilogue, statistics...);
      default:
        return wide<8>(layer, in, epilogue, statistics...);
    }
  }
  template <int NT, class E, class... S>
  HD void wide(JointLayer const& layer, JointInput const& in, E const& epilogue,
               S const&... statistics) {
    float sum[MT][NT][4];
    int const col = warp_ * NT * 8 + lane_col();
    LOOM_UNROLL
    for (int n = 0; n < NT; ++n) LOOM_UNROLL
    for (int m = 0; m < MT; ++m) warp::begin(sum[m][n], layer.bias() + col + n * 8);
    multiply(sum, layer, in, 0, col, [&](int) { return tape_.next(); });
    conclude<8>(sum, warp_, lane_row(), col, 8, NT, epilogue, std::index_sequence_for<S...>{},
                statistics...);
  }
  // Warp w takes m-tile w % MT and every kGroups-th of the four n8 tiles.
  template <class E, class... S>
  HD void narrow(JointLayer const& layer, JointInput const& in, E const& epilogue,
                 S const&... statistics) {
    constexpr int kGroups = 8 / MT < 4 ? 8 / MT : 4, kTiles = 4 / kGroups;
    int const m = warp_ % MT, group = warp_ / MT;
    int const live = group < kGroups ? kTiles : 0;
    float sum[1][kTiles][4];
    if (live > 0) {
      LOOM_UNROLL
      for (int i = 0; i < kTiles; ++i)
        warp::begin(sum[0][i], layer.bias() + (group + i * kGroups) * 8 + lane_col());
      auto const* w = reinterpret_cast<warp::Words const*>(layer.weights) + group * 32 + lane_;
      multiply(sum, layer, in, m * 16, 0, [&](int i) {
        warp::Words const r = w[i * kGroups * 32];
        if (i == kTiles - 1) w += 4 * 32;
        return r;
      });
    }
    conclude<kGroups>(sum, group, m * 16 + lane_row(), group * 8 + lane_col(), kGroups * 8, live,
                      epilogue, std::index_sequence_for<S...>{}, statistics...);
  }

  template <class F, std::size_t... I>
  static HD auto with_totals(F const& f, At at, Two v, float const* totals,
                             std::index_sequence<I...>) {
    return f(at, v, Two{totals[I], totals[I]}...);
  }

  // Statistic I of every row this thread holds.
  template <std::size_t I, int kParts, int M, int N, std::size_t Count, class S>
  HD void statistic(float const (&sum)[M][N][4], float (&totals)[M][2][Count], int part, int row,
                    int col, int step, int live, S const& s) {
    float* const slot = statistics_ + phase_ * 8 * kColumn;
    phase_ ^= 1;
    auto const each = [&](int m, int h, auto const& take) {
      LOOM_UNROLL
      for (int n = 0; n < N; ++n) {
        if (n >= live) continue;
        At const at{row + m * 16 + h * 8, col + n * step};
        Two const x = with_totals(s.f, at, pair(sum[m][n], 2 * h), totals[m][h],
                                  std::make_index_sequence<I>{});
        if (at.col < outputs_) take(x.lo);
        if (at.col + 1 < outputs_) take(x.hi);
      }
    };
    float total[M][2];
    warp::row_totals<kParts>(
        total, {slot, kColumn, part, row, lane_}, 0.F, each, [](float a, float b) { return a + b; },
        [this] { sync(); });
    LOOM_UNROLL
    for (int m = 0; m < M; ++m) LOOM_UNROLL
    for (int h = 0; h < 2; ++h) totals[m][h][I] = s.finish(total[m][h]);
  }

  template <int kParts, int M, int N, class E, std::size_t... I, class... S>
  HD void conclude(float const (&sum)[M][N][4], int part, int row, int col, int step, int live,
                   E const& epilogue, std::index_sequence<I...> known, S const&... statistics) {
    float totals[M][2][sizeof...(S) + 1];
    (statistic<I, kParts>(sum, totals, part, row, col, step, live, statistics), ...);
    LOOM_UNROLL
    for (int n = 0; n < N; ++n)
      if (n < live) {
        LOOM_UNROLL
        for (int m = 0; m < M; ++m) LOOM_UNROLL
        for (int h = 0; h < 2; ++h)
          with_totals(epilogue, At{row + m * 16 + h * 8, col + n * step}, pair(sum[m][n], 2 * h),
                      totals[m][h], known);
      }
  }

  int phase_ = 0;
  int thread_, lane_, warp_, first_ = 0, rows_, outputs_ = 0, used_ = 0, values_used_ = 0;
  char* regions_;
  std::uint32_t regions_address_;
  float *statistics_, *values_;
  WeightTape tape_;
};

template <int MT, class Body>
__global__ void __launch_bounds__(256, 1)
    joint_kernel(__grid_constant__ Body const body, __grid_constant__ JointNeeds const needs,
                 int rows) {
  extern __shared__ __align__(128) char shared[];
  if (static_cast<int>(threadIdx.x) < needs.tape.count)
    reinterpret_cast<TapeSegment*>(shared)[threadIdx.x] = needs.tape.segments[threadIdx.x];
  __syncthreads();
  GpuJointBlock<MT> block(shared, needs, rows);
  block.run(body, static_cast<int>(blockIdx.x) * GpuJointBlock<MT>::kRows,
            static_cast<int>(gridDim.x) * GpuJointBlock<MT>::kRows);
}

/// Whether the machine has room for such a layer, and for such a block; whether outputs may begin in that
/// column of a region: they are stored two at a time.
inline bool joint_fits(Gpu, JointShape const& s) {
  bool const shared_out = s.blocks == 1 || (s.outputs % 64 == 0 && 8 % s.blocks == 0 &&
                                            s.inputs[0] / s.blocks % 8 == 0);
  return shared_out && (s.gates > 1 || s.outputs <= 512);
}
inline bool joint_begins(Gpu, int column) { return column % 2 == 0; }
template <int kBlockRows = 16>
bool joint_fits(Gpu exec, JointNeeds const& needs) {
  int most = 0;
  CUDA_CHECK(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, exec.device));
  int const ring = needs.tape.count > 0 ? 0 : WeightTape::kRing;
  return GpuJointBlock<kBlockRows / 16>::shared_bytes(needs) + ring <= most;
}

/// Runs body on every tile of kBlockRows rows of [0, rows), as many blocks as the device holds at once.
template <int kBlockRows = 16, class Body>
void launch_joint(Gpu exec, int rows, JointNeeds const& needs, Body const& body) {
  if (rows == 0) return;
  using Block = GpuJointBlock<kBlockRows / 16>;
  auto* const kernel = joint_kernel<kBlockRows / 16, Body>;
  int const shared = Block::shared_bytes(needs);
  CUDA_CHECK(cudaSetDevice(exec.device));
  CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
  int processors = 0;
  CUDA_CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, exec.device));
  int const tiles = (rows + kBlockRows - 1) / kBlockRows;
  enqueue(exec, static_cast<unsigned>(tiles < processors ? tiles : processors), Block::kThreads,
          static_cast<std::size_t>(shared), kernel, body, needs, rows);
}

}  // namespace loom
