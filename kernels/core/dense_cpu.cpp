#include <algorithm>
#include <cstdlib>
#include <kernels/core/error.hpp>
#include <kernels/core/joint_block.hpp>
#include <memory>

namespace loom::dense_cpu {
namespace {

constexpr int kRows = kTile;
// Accumulators: kPanel columns x kGroup packs of rows, within the 32 or 16 vector registers.
constexpr int kGroup = kLanes == 16 ? 4 : 2;

// Of the rows from `row` on as many as are whole groups of packs; returns where they end.
template <int kColumns, int kGroup>
int columns(int row, int rows, Segment const* segments, int count, float const* __restrict w,
            float const* __restrict bias, float* __restrict out) {
  for (; row + kLanes * kGroup <= rows; row += kLanes * kGroup) {
    Wide sum[kColumns][kGroup];
    LOOM_UNROLL
    for (int j = 0; j < kColumns; ++j) LOOM_UNROLL
    for (int g = 0; g < kGroup; ++g) sum[j][g] = Wide(bias[j]);
    float const* k_weights = w;
    LOOM_NO_UNROLL
    for (int s = 0; s < count; ++s) {
      float const* __restrict x = segments[s].in + row;
      LOOM_NO_UNROLL
      for (int k = segments[s].inputs; k > 0; --k, x += kRows, k_weights += kColumns) {
        Wide value[kGroup];
        LOOM_UNROLL
        for (int g = 0; g < kGroup; ++g) value[g] = load(x, Lane<Wide>{g * kLanes});
        LOOM_UNROLL
        for (int j = 0; j < kColumns; ++j) {
          Wide const weight(k_weights[j]);
          LOOM_UNROLL
          for (int g = 0; g < kGroup; ++g) sum[j][g] = math::fma(weight, value[g], sum[j][g]);
        }
      }
    }
    LOOM_UNROLL
    for (int j = 0; j < kColumns; ++j) LOOM_UNROLL
    for (int g = 0; g < kGroup; ++g)
      store(out + j * kRows + row, Lane<Wide>{g * kLanes}, sum[j][g]);
  }
  return row;
}

#if defined(__AVX512F__)
// Up to 16 rows x 16 columns -> as many columns of `wide` rows, beyond the last of which are zeros.
void transpose_16(float const* from, int stride, int rows, int cols, float* to, int to_stride,
                  int wide) {
  auto const mask = static_cast<__mmask16>((1U << cols) - 1);
  __m512 r[16], t[16];
  for (int i = 0; i < 16; ++i)
    r[i] = i < rows ? _mm512_maskz_loadu_ps(mask, from + static_cast<std::ptrdiff_t>(i) * stride)
                    : _mm512_setzero_ps();
  auto const low = [](__m512 a, __m512 b) {
    return (__m512)_mm512_unpacklo_pd((__m512d)a, (__m512d)b);
  };
  auto const high = [](__m512 a, __m512 b) {
    return (__m512)_mm512_unpackhi_pd((__m512d)a, (__m512d)b);
  };
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = low(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = high(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = low(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = high(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0x88);
    r[8 + i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0xdd);
    r[4 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0x88);
    r[12 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0xdd);
  }
  auto const written = static_cast<__mmask16>((1U << wide) - 1);
  for (int i = 0; i < cols; ++i)
    _mm512_mask_storeu_ps(to + static_cast<std::ptrdiff_t>(i) * to_stride, written, r[i]);
}
#endif

}  // namespace

void panel(int n, int rows, Segment const* segments, int count, float const* w, float const* bias,
           float* out) {
  auto const run = [&]<int kColumns>() {
    int row = columns<kColumns, kGroup>(0, rows, segments, count, w, bias, out);
    if constexpr (kGroup > 2) row = columns<kColumns, 2>(row, rows, segments, count, w, bias, out);
    columns<kColumns, 1>(row, rows, segments, count, w, bias, out);
  };
  static_assert(dense_layout::kPanel == 6);
  switch (n) {
    case 1:
      return run.operator()<1>();
    case 2:
      return run.operator()<2>();
    case 3:
      return run.operator()<3>();
    case 4:
      return run.operator()<4>();
    case 5:
      return run.operator()<5>();
    default:
      return run.operator()<6>();
  }
}

void transpose_in(float const* from, int stride, int rows, int cols, float* tile) {
#if defined(__AVX512F__)
  for (int r = 0; r < kRows; r += 16)
    for (int c = 0; c < cols; c += 16)
      transpose_16(from + static_cast<std::ptrdiff_t>(r) * stride + c, stride,
                   std::clamp(rows - r, 0, 16), std::min(16, cols - c), tile + c * kRows + r, kRows,
                   16);
#else
  for (int c = 0; c < cols; ++c)
    for (int r = 0; r < kRows; ++r)
      tile[c * kRows + r] = r < rows ? from[static_cast<std::ptrdiff_t>(r) * stride + c] : 0.F;
#endif
}

void transpose_out(float const* tile, int cols, float* to, int stride, int rows) {
#if defined(__AVX512F__)
  for (int c = 0; c < cols; c += 16)
    for (int r = 0; r < rows; r += 16)
      transpose_16(tile + c * kRows + r, kRows, std::min(16, cols - c), std::min(16, rows - r),
                   to + static_cast<std::ptrdiff_t>(r) * stride + c, stride,
                   std::min(16, cols - c));
#else
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < cols; ++c)
      to[static_cast<std::ptrdiff_t>(r) * stride + c] = tile[c * kRows + r];
#endif
}

float* scratch(std::size_t floats) {
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  thread_local std::unique_ptr<float, Free> memory;
  thread_local std::size_t size = 0;
  if (floats > size) {
    std::size_t const bytes = (floats * sizeof(float) + 4095) / 4096 * 4096;
    memory.reset(static_cast<float*>(std::aligned_alloc(4096, bytes)));
    size = memory == nullptr ? 0 : bytes / sizeof(float);
    require<Error>(memory != nullptr, "block: no ", bytes, " bytes to be had");
  }
  return memory.get();
}

void out_of_order(int inputs, int outputs) {
  fail<ShapeError>(
      "block: dense(", inputs, " -> ", outputs,
      ") is not the next layer of the tape (call wide layers in the order of BlockNeeds::tape)");
}

void no_room(char const* what, int asked, int have) {
  fail<ShapeError>("block: ", asked, " ", what, ", BlockNeeds has ", have);
}

}  // namespace loom::dense_cpu

namespace loom {

void pack_joint(Cpu, PackJoint const& plan) {
  for (int l = 0; l < plan.stack.depth; ++l) {
    JointLayer const& layer = plan.stack.layers[l];
    JointSource const& from = plan.source[l];
    auto* out = reinterpret_cast<float*>(layer.weights);
    int const width = layer.width(), stride = from.row_stride(layer),
              block = layer.sums() / layer.blocks;
    // Sum n is gate n % gates of unit n / gates: a panel holds whole units.
    for (int first = 0; first < layer.sums(); first += block)
      for (int n = first; n < first + block; n += dense_layout::kPanel) {
        int const columns = std::min(dense_layout::kPanel, first + block - n);
        for (int j = 0; j < columns; ++j) {
          int const row = layer.row((n + j) / layer.gates, (n + j) % layer.gates);
          float const* const w = from.weight + static_cast<std::ptrdiff_t>(row) * stride;
          for (int k = 0; k < width; ++k) out[k * columns + j] = w[k];
        }
        out += static_cast<std::ptrdiff_t>(columns) * width;
      }
    int const columns = layer.vector_columns();
    for (int n = 0; n < columns; ++n) {
      bool const there = n < layer.sums();
      int const row = there ? layer.row(n / layer.gates, n % layer.gates) : 0;
      layer.vectors[n] = there && from.bias != nullptr ? from.bias[row] : 0.F;
      layer.vectors[columns + n] = there && from.gain != nullptr ? from.gain[row] : 1.F;
      layer.vectors[2 * columns + n] = there && from.shift != nullptr ? from.shift[row] : 0.F;
    }
  }
}

void pack_dense(Cpu, PackDense const& plan) {
  for (int l = 0; l < plan.stack.depth; ++l) {
    DenseLayer const& layer = plan.stack.layers[l];
    DenseSource const& from = plan.source[l];
    auto* out = reinterpret_cast<float*>(layer.weights);
    for (int n = 0; n < layer.outputs; n += dense_layout::kPanel) {
      int const columns = std::min(dense_layout::kPanel, layer.outputs - n);
      for (int j = 0; j < columns; ++j) {
        float const* w = from.weights + static_cast<std::ptrdiff_t>(n + j) * from.row;
        for (int k = 0; k < layer.inputs; ++k)
          out[k * columns + j] = w[static_cast<std::ptrdiff_t>(k) * from.column];
      }
      out += static_cast<std::size_t>(columns) * layer.inputs;
    }
    for (int n = 0; n < dense_layout::padded(layer.outputs); ++n)
      layer.bias[n] = from.bias != nullptr && n < layer.outputs ? from.bias[n] : 0.F;
  }
}

}  // namespace loom
