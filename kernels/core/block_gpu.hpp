#pragma once
// The GPU's Block: 8 warps, 16 * MT rows. A tile is bf16[row][feature] in shared memory; a value is
// two adjacent columns of one row, where the mma accumulators live.
//
// Wide layers (more than 32 outputs): the warps split the columns, 1 to 4 n8 tiles each, weights
// from a tape. Narrow ones: the warps split the rows, weights read in place. A layer that uses its
// input up writes into the same buffer, between two barriers.
#include <kernels/core/block.hpp>
#include <kernels/core/device.hpp>
#include <kernels/core/error.hpp>
#include <kernels/core/fast_math.hpp>
#include <kernels/core/mma_tile.hpp>
#include <kernels/core/pack_dense_gpu.hpp>
#include <kernels/core/weight_tape.hpp>
#include <type_traits>
#include <utility>

namespace loom {

template <int MT>
class GpuBlock {
  static_assert(MT == 1 || MT == 2 || MT == 4 || MT == 8);

 public:
  static constexpr int kRows = 16 * MT, kThreads = 256;
  using V = Two;
  static constexpr bool kSmallDense = false;  // may be instantiated freely
  struct At {
    int row, col;
  };
  struct Tile {
    int at, cols;  // at: bytes from the first tile
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
    friend GpuBlock;
    float* p_;
    int first_;
  };

  static int shared_bytes(BlockNeeds const& needs) {
    return kTable + (needs.tape.count > 0 ? WeightTape::kRing : 0) +
           needs.tiles * kRows * row_bytes(needs.width) +
           (needs.values + kStatistics) * kColumn * 4;
  }

  HD GpuBlock(char* shared, BlockNeeds const& needs, int rows)
      : thread_(warp::thread()),
        lane_(thread_ & 31),
        warp_(thread_ >> 5),
        rows_(rows),
        row_bytes_(row_bytes(needs.width)),
        tiles_(shared + kTable + (needs.tape.count > 0 ? WeightTape::kRing : 0)),
        tiles_address_(warp::shared_address(tiles_)),
        statistics_(reinterpret_cast<float*>(tiles_ + needs.tiles * kRows * row_bytes_)),
        values_(statistics_ + kStatistics * kColumn),
        tape_(reinterpret_cast<TapeSegment const*>(shared), needs.tape.count,
              warp::shared_address(shared + kTable), warp_, lane_) {}

  template <class Body>
  HD void run(Body const& body, int begin, int step) {
    LOOM_NO_UNROLL
    for (first_ = begin; first_ < rows_; first_ += step) {
      used_ = 0;
      values_used_ = 0;
      body(*this);
    }
    tape_.drain();
  }

  HD int first() const { return first_; }
  HD int rows() const { return rows_; }
  HD void sync() const { warp::sync_block(); }

  template <class Each>
  HD void lanes(Each const& each) const {
    if (lane_thread() >= 0) each(Lane<float>{first_ + lane_thread()});
  }

  template <class Common, class Rare>
  HD void compacted(Common const& common, Rare const& rare) const {
    lanes([&](Lane<float> lane) {
      if (common(lane)) rare.template run<float>(lane.index);
    });
  }

  HD Values values(int n) {
    Values v;
    v.p_ = values_ + values_used_ * kColumn;
    v.first_ = first_;
    values_used_ += n;
    return v;
  }

  HD Tile load(InRows<float> x) {
    Tile const t = take(x.cols);
    sync();
    int const pairs = dense_layout::k_steps(x.cols) * 16;
    for (int r = warp_; r < kRows; r += 8) {
      bool const live = first_ + r < x.rows;
      float const* p = live ? x.row(first_ + r) : nullptr;
      for (int c = lane_; c < pairs; c += 32) {
        float const lo = live && 2 * c < x.cols ? p[2 * c] : 0.F;
        float const hi = live && 2 * c + 1 < x.cols ? p[2 * c + 1] : 0.F;
        word(t, r, 2 * c) = warp::pack2(lo, hi);
      }
    }
    sync();
    return t;
  }
  HD Tile tile(int cols) {
    Tile const t = take(cols);
    // The padding is zeroed by the thread that fills the row: words are shared by two columns.
    if (lane_thread() >= 0)
      for (int c = cols & ~1; c < dense_layout::k_steps(cols) * 32; c += 2)
        word(t, lane_thread(), c) = 0;
    return t;
  }
  template <class Each>
  HD Tile tile(int cols, Each const& each) {
    sync();
    return tile_after_sync(cols, each);
  }
  template <class Each>
  HD Tile tile_after_sync(int cols, Each const& each) {
    Tile const t = take(cols);
    for (int i = thread_; i < dense_layout::k_steps(cols) * 16 * kRows; i += kThreads) {
      int const row = i % kRows, col = i / kRows * 2;
      Lane<float> const lane{first_ + row};
      word(t, row, col) = warp::pack2(col < cols ? each(col, lane) : 0.F,
                                      col + 1 < cols ? each(col + 1, lane) : 0.F);
    }
    sync();
    return t;
  }
  HD void set(Tile t, int col, Lane<float> lane, float x) const {
    *reinterpret_cast<std::uint16_t*>(tiles_ + t.at + (lane.index - first_) * row_bytes_ +
                                      col * 2) = static_cast<std::uint16_t>(warp::pack2(x, 0.F));
  }

  static HD Kept<Tile> keep(Tile t) { return {t, true}; }
  static HD Kept<Tile> use(Tile t) { return {t, false}; }
  static HD Kept<Tile> use(Kept<Tile> t) { return t; }

  template <class Epilogue>
  HD auto dense(Tile in, DenseLayer const& layer, Epilogue const& epilogue) {
    return dense(use(in), layer, epilogue);
  }
  template <class Epilogue>
  HD auto dense(Kept<Tile> in, DenseLayer const& layer, Epilogue const& epilogue) {
    return rows_dense(in, layer, epilogue);
  }
  template <class Epilogue>
  HD auto head(Kept<Tile> in, DenseLayer const& layer, Epilogue const& epilogue) {
    return rows_dense<true>(in, layer, epilogue);
  }
  template <class Epilogue, class... Statistics>
  HD auto dense_rows(Tile in, DenseLayer const& layer, Epilogue const& epilogue,
                     Statistics const&... statistics) {
    return rows_dense(use(in), layer, epilogue, statistics...);
  }
  template <class Epilogue, class... Statistics>
  HD auto dense_rows(Kept<Tile> in, DenseLayer const& layer, Epilogue const& epilogue,
                     Statistics const&... statistics) {
    return rows_dense(in, layer, epilogue, statistics...);
  }

  HD void store(OutRows<float> y, At at, Two v) const {
    int const row = first_ + at.row;
    if (row >= y.rows || at.col >= y.cols) return;
    float* const p = y.row(row) + at.col;
    p[0] = v.lo;
    if (at.col + 1 < y.cols) p[1] = v.hi;
  }
  // For the GPU halves of kernels that keep activations, as bf16: columns padded to whole 16 bytes.
  HD void store(OutRows<std::uint16_t> y, At at, Two v) const {
    int const row = first_ + at.row;
    if (row < y.rows && at.col < y.cols)
      *reinterpret_cast<std::uint32_t*>(y.row(row) + at.col) = warp::pack2(v.lo, v.hi);
  }
  HD Two fetch(InRows<std::uint16_t> x, At at) const {
    int const row = first_ + at.row;
    if (row >= x.rows || at.col >= x.cols) return {0.F, 0.F};
    auto const w = *reinterpret_cast<std::uint32_t const*>(x.row(row) + at.col);
    return {warp::low(w), warp::high(w)};
  }
  HD void spill(Tile t, OutRows<std::uint16_t> y) const {
    int const pieces = y.cols / 8;
    for (int i = thread_; i < kRows * pieces; i += kThreads) {
      int const row = i / pieces, col = i % pieces * 8;
      if (first_ + row < y.rows)
        *reinterpret_cast<warp::Words*>(y.row(first_ + row) + col) =
            *reinterpret_cast<warp::Words const*>(&word(t, row, col));
    }
  }

  HD void put(Values const& values, At at, Two v, int first_col = 0) const {
    float* const p = values.p_ + (at.col + first_col) * kColumn + at.row;
    if (at.col < outputs_) p[0] = v.lo;
    if (at.col + 1 < outputs_) p[kColumn] = v.hi;
  }

  HD Two fetch(InRows<float> x, At at) const {
    int const row = first_ + at.row;
    if (row >= x.rows) return {0.F, 0.F};
    float const* const p = x.row(row) + at.col;
    return {at.col < x.cols ? p[0] : 0.F, at.col + 1 < x.cols ? p[1] : 0.F};
  }
  HD Two fetch(Values const& values, At at, int first_col = 0) const {
    float const* const p = values.p_ + (at.col + first_col) * kColumn + at.row;
    return {at.col < outputs_ ? p[0] : 0.F, at.col + 1 < outputs_ ? p[kColumn] : 0.F};
  }
  HD Two fetch_row(Values const& values, At at, int col) const {
    float const v = values.p_[col * kColumn + at.row];
    return {v, v};
  }
  HD Two fetch(Tile t, At at) const {
    if (at.col >= t.cols) return {0.F, 0.F};
    std::uint32_t const w = word(t, at.row, at.col);
    return {warp::low(w), warp::high(w)};
  }

 private:
  static constexpr int kTable = 128;         // bytes of the tape's segments
  static constexpr int kColumn = kRows + 4;  // floats: columns of a quad fall into different banks
  static constexpr int kStatistics =
      16;  // one column a warp, twice: the next statistic needs no barrier

  // The row whose lane this thread runs, if not negative. The last threads take them: were a barrier
  // after lanes() missing, the others would run past it at once, and a test would see that.
  HD int lane_thread() const { return thread_ - (kThreads - kRows); }
  static HD constexpr int row_bytes(int width) {
    return (dense_layout::padded(width) + 8) * 2;  // 16 mod 128: ldmatrix without conflicts
  }
  HD std::uint32_t& word(Tile t, int row, int col) const {
    return *reinterpret_cast<std::uint32_t*>(tiles_ + t.at + row * row_bytes_ + col * 2);
  }
  HD Tile take(int cols) {
    int i = 0;
    while ((used_ >> i & 1) != 0) ++i;
    used_ |= 1 << i;
    return {i * kRows * row_bytes_, cols};
  }
  HD void drop(Tile t) { used_ &= ~(1 << t.at / (kRows * row_bytes_)); }

  template <class F, std::size_t... I>
  static HD auto with_totals(F const& f, At at, Two v, float const* totals,
                             std::index_sequence<I...>) {
    return f(at, v, Two{totals[I], totals[I]}...);
  }
  template <class E, std::size_t N>
  static HD constexpr bool stores() {
    return std::is_void_v<decltype(with_totals(std::declval<E>(), At{}, Two{}, nullptr,
                                               std::make_index_sequence<N>{}))>;
  }

  template <bool kNarrow = false, class E, class... S>
  HD auto rows_dense(Kept<Tile> in, DenseLayer const& layer, E const& epilogue,
                     S const&... statistics) {
    constexpr bool kStores = stores<E, sizeof...(S)>();
    outputs_ = layer.outputs;
    Tile out{in.tile.at, layer.outputs};
    if (!kStores && in.alive) out = take(layer.outputs);
    if (kNarrow || dense_layout::narrow(layer.outputs)) {
      narrow(in.tile, out, layer, epilogue, statistics...);
    } else {
      tape_.expect(layer.weights, dense_layout::gpu_units(layer.inputs, layer.outputs));
      switch (dense_layout::per_warp(layer.outputs)) {
        case 1:
          wide<1>(in.tile, out, layer, epilogue, statistics...);
          break;
        case 2:
          wide<2>(in.tile, out, layer, epilogue, statistics...);
          break;
        case 3:
          wide<3>(in.tile, out, layer, epilogue, statistics...);
          break;
        default:
          wide<4>(in.tile, out, layer, epilogue, statistics...);
          break;
      }
    }
    if constexpr (kStores) {
      if (!in.alive) drop(in.tile);
    } else {
      return out;
    }
  }

  HD std::uint32_t lane_address(Tile t) const {
    return tiles_address_ + t.at + (lane_ & 15) * row_bytes_ + (lane_ >> 4) * 16;
  }
  HD int lane_row() const { return lane_ >> 2; }
  HD int lane_col() const { return (lane_ & 3) * 2; }
  // One accumulator tile m16 x n8: rows row, row + 8, columns col, col + 1.
  template <class E, std::size_t... I>
  HD void finish(float const (&c)[4], Tile out, int row, int col, E const& epilogue,
                 float const* totals, float const* totals_8, std::index_sequence<I...> known) {
    Two const a{c[0], c[1]}, b{c[2], c[3]};
    if constexpr (stores<E, sizeof...(I)>()) {
      with_totals(epilogue, At{row, col}, a, totals, known);
      with_totals(epilogue, At{row + 8, col}, b, totals_8, known);
    } else {
      Two const x = with_totals(epilogue, At{row, col}, a, totals, known);
      Two const y = with_totals(epilogue, At{row + 8, col}, b, totals_8, known);
      word(out, row, col) = warp::pack2(x.lo, x.hi);
      word(out, row + 8, col) = warp::pack2(y.lo, y.hi);
    }
  }

  template <int NT, class E, class... S>
  HD void wide(Tile in, Tile out, DenseLayer const& layer, E const& epilogue,
               S const&... statistics) {
    float sum[MT][NT][4];
    int const first_col = warp_ * NT * 8 + lane_col();
    LOOM_UNROLL
    for (int n = 0; n < NT; ++n) LOOM_UNROLL
    for (int m = 0; m < MT; ++m) warp::begin(sum[m][n], layer.bias + first_col + n * 8);
    warp::multiply(sum, lane_address(in), row_bytes_, dense_layout::k_steps(layer.inputs),
                   [&](int) { return tape_.next(); });
    conclude<8>(sum, warp_, lane_row(), first_col, 8, NT, out, epilogue,
                std::index_sequence_for<S...>{}, statistics...);
  }

  // Warp w takes m-tile w % MT and every kGroups-th of the four n8 tiles.
  template <class E, class... S>
  HD void narrow(Tile in, Tile out, DenseLayer const& layer, E const& epilogue,
                 S const&... statistics) {
    constexpr int kGroups = 8 / MT < 4 ? 8 / MT : 4, kTiles = 4 / kGroups;
    int const m = warp_ % MT, group = warp_ / MT;
    // A kept tile fills 32 columns. Warps without tiles still meet the others at the barriers.
    int const tiles = stores<E, sizeof...(S)>() ? (layer.outputs + 7) / 8 : 4;
    int const live = group < kGroups ? (tiles - group + kGroups - 1) / kGroups : 0;
    float sum[1][kTiles][4];
    if (live > 0) {
      LOOM_UNROLL
      for (int i = 0; i < kTiles; ++i)
        warp::begin(sum[0][i], layer.bias + (group + i * kGroups) * 8 + lane_col());
      auto const* w = reinterpret_cast<warp::Words const*>(layer.weights) + group * 32 + lane_;
      std::uint32_t address = lane_address(in) + m * 16 * row_bytes_;
      warp::multiply(sum, address, row_bytes_, dense_layout::k_steps(layer.inputs), [&](int i) {
        warp::Words const r = w[i * kGroups * 32];
        if (i == kTiles - 1) w += 4 * 32;
        return r;
      });
    }
    conclude<kGroups>(sum, group, m * 16 + lane_row(), group * 8 + lane_col(), kGroups * 8, live,
                      out, epilogue, std::index_sequence_for<S...>{}, statistics...);
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
        Two const x = with_totals(s.f, at, Two{sum[m][n][2 * h], sum[m][n][2 * h + 1]},
                                  totals[m][h], std::make_index_sequence<I>{});
        if (at.col < outputs_) take(x.lo);
        if (at.col + 1 < outputs_) take(x.hi);
      }
    };
    float total[M][2];
    warp::row_totals<kParts>(
        total, {slot, kColumn, part, row, lane_}, S::kNeutral, each,
        [](float a, float b) { return S::merge(a, b); }, [this] { sync(); });
    LOOM_UNROLL
    for (int m = 0; m < M; ++m) LOOM_UNROLL
    for (int h = 0; h < 2; ++h) totals[m][h][I] = total[m][h];
  }

  template <int kParts, int M, int N, class E, std::size_t... I, class... S>
  HD void conclude(float const (&sum)[M][N][4], int part, int row, int col, int step, int live,
                   Tile out, E const& epilogue, std::index_sequence<I...> known,
                   S const&... statistics) {
    constexpr bool kStores = stores<E, sizeof...(S)>();
    float totals[M][2][sizeof...(S) + 1];
    (statistic<I, kParts>(sum, totals, part, row, col, step, live, statistics), ...);
    // All have read the tile that is overwritten now; a statistic's barrier has seen to that
    // already.
    if constexpr (!kStores && sizeof...(S) == 0) sync();
    LOOM_UNROLL
    for (int n = 0; n < N; ++n)
      if (n < live) {
        LOOM_UNROLL
        for (int m = 0; m < M; ++m)
          finish(sum[m][n], out, row + m * 16, col + n * step, epilogue, totals[m][0], totals[m][1],
                 known);
      }
    if constexpr (!kStores) sync();
  }

  int phase_ = 0;
  int thread_, lane_, warp_, first_ = 0, rows_, row_bytes_, outputs_ = 0, used_ = 0,
                             values_used_ = 0;
  char* tiles_;
  std::uint32_t tiles_address_;
  float *statistics_, *values_;
  WeightTape tape_;
};

template <int MT, class Body>
__global__ void __launch_bounds__(256, 1)
    block_kernel(__grid_constant__ Body const body, __grid_constant__ BlockNeeds const needs,
                 int rows) {
  extern __shared__ __align__(128) char shared[];
  // The tape's segments, where a warp can index them.
  if (static_cast<int>(threadIdx.x) < needs.tape.count)
    reinterpret_cast<TapeSegment*>(shared)[threadIdx.x] = needs.tape.segments[threadIdx.x];
  __syncthreads();
  GpuBlock<MT> block(shared, needs, rows);
  block.run(body, static_cast<int>(blockIdx.x) * GpuBlock<MT>::kRows,
            static_cast<int>(gridDim.x) * GpuBlock<MT>::kRows);
}

/// Runs body on every tile of kBlockRows rows of [0, rows), as many blocks as the device holds at
/// once.
template <int kBlockRows = 64, class Body>
void launch_blocks(Gpu exec, int rows, BlockNeeds const& needs, Body const& body) {
  if (rows == 0) return;
  using Block = GpuBlock<kBlockRows / 16>;
  require(needs.width <= dense_layout::kMaxWidth, "block: a tile of ", needs.width,
          " columns (at most ", dense_layout::kMaxWidth, ")");
  auto* const kernel = block_kernel<kBlockRows / 16, Body>;
  int const shared = Block::shared_bytes(needs);
  CUDA_CHECK(cudaSetDevice(exec.device));
  CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
  int processors = 0, blocks = 0;
  CUDA_CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, exec.device));
  CUDA_CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, Block::kThreads,
                                                           static_cast<std::size_t>(shared)));
  int const tiles = (rows + kBlockRows - 1) / kBlockRows,
            most = processors * (blocks < 1 ? 1 : blocks);
  enqueue(exec, static_cast<unsigned>(tiles < most ? tiles : most), Block::kThreads,
          static_cast<std::size_t>(shared), kernel, body, needs, rows);
}

}  // namespace loom
