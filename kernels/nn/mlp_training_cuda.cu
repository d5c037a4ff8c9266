// The GPU's half of MlpTraining. Forward and the gradients of activations are block kernels that leave
// bf16 copies of what they compute; the gradients of weights are outer products over slabs of rows.
#include <algorithm>
#include <kernels/core/device.hpp>
#include <kernels/nn/mlp_body.hpp>
#include <kernels/nn/mlp_training.hpp>
#include <utility>

namespace loom {
namespace {

using Half = std::uint16_t;  // the bits of a bf16
constexpr int kMaxDepth = DenseStack::kMaxDepth;
constexpr int kSlabs = 32;     // of rows at most
constexpr int kSlabRows = 64;  // of a slab at least

struct MlpTrainingForward {
  MlpView net;
  InRows<float> x;
  OutRows<float> y;
  OutRows<Half> inputs[kMaxDepth];  // of every layer: x, then the hidden activations
  OutRows<Half>
      points[kMaxDepth];  // where its activation's derivative is taken, unless that is the above

  template <class Block>
  HD void operator()(Block& b) const {
    int const last = net.stack.depth - 1;
    auto h = b.load(x);
    b.spill(h, inputs[0]);
    for (int l = 0; l < last; ++l) {
      h = b.dense(h, net.stack.layers[l], [&](auto at, auto v) {
        if (keeps_input(net.hidden)) b.store(points[l], at, v);
        return activate(net.hidden, v);
      });
      b.spill(h, inputs[l + 1]);
    }
    b.dense(h, net.stack.layers[last], [&](auto at, auto v) {
      auto const out = activate(net.output, v);
      if (net.output != Activation::identity)
        b.store(points[last], at, keeps_input(net.output) ? v : out);
      b.store(y, at, out);
    });
  }
};

struct MlpTrainingBackward {
  DenseStack back;   // W^T of the layers depth - 1, ..., 1
  DenseStack first;  // W^T of layer 0
  Activation hidden, output;
  InRows<float> dy;
  OutRows<float> dx;
  InRows<Half> points[kMaxDepth];
  OutRows<Half> sums[kMaxDepth];  // gradients before the activations

  template <class Block>
  HD void operator()(Block& b) const {
    auto d = load_dy(b);
    b.spill(d, sums[back.depth]);
    for (int i = 0; i < back.depth; ++i) {
      int const l = back.depth - 1 - i;
      d = b.dense(d, back.layers[i], [&](auto at, auto v) {
        return activation_gradient(hidden, b.fetch(points[l], at), v);
      });
      b.spill(d, sums[l]);
    }
    if (dx.data != nullptr)
      b.dense(d, first.layers[0], [&](auto at, auto v) { b.store(dx, at, v); });
  }

  template <class Block>
  HD auto load_dy(Block& b) const {
    if (output == Activation::identity) return b.load(dy);
    InRows<Half> const point = points[back.depth];
    return b.tile(dy.cols, [&](int col, Lane<float> lane) {
      if (lane.index >= dy.rows) return 0.F;
      float const a = warp::low(point.row(lane.index)[col]);
      return activation_gradient(output, a, dy.row(lane.index)[col]);
    });
  }
};

// Gradient of one layer: dW[n][k] = sum_r d[r][n] x[r][k]. A block owns 128 x 128 of it and one slab of
// rows, 32 a stage, double buffered; its sums go to the slab's own slot, laid out like the parameters.
struct MlpWeightGradient {
  InRows<Half> d, x;
  int outputs, inputs, slab_rows;
  float* slots;  // of the layer in the first slab
  int parameters;
};

constexpr int kSide = 128, kStageRows = 32,
              kStageStride = kSide + 8;  // 272 bytes: no bank conflicts
constexpr int kMatrixBytes = kStageRows * kStageStride * 2;

__global__ void __launch_bounds__(256, 2)
    mlp_weight_gradient(__grid_constant__ MlpWeightGradient const g) {
  __shared__ __align__(128) char stages[2 * 2 * kMatrixBytes];
  int const thread = static_cast<int>(threadIdx.x), lane = thread & 31, warp = thread >> 5;
  int const n0 = static_cast<int>(blockIdx.x) * kSide, k0 = static_cast<int>(blockIdx.y) * kSide;
  int const begin = static_cast<int>(blockIdx.z) * g.slab_rows;
  int const end = min(g.d.rows, begin + g.slab_rows);
  int const warp_n = (warp >> 2) * 64, warp_k = (warp & 3) * 32;
  bool const live = n0 + warp_n < g.outputs && k0 + warp_k < g.inputs;
  std::uint32_t const base = warp::shared_address(stages);

  auto const fetch = [&](int row0, int stage) {
    LOOM_UNROLL
    for (int i = 0; i < 4; ++i) {
      int const piece = thread + i * 256, matrix = piece >> 9;
      int const row = piece >> 4 & 31, col = (piece & 15) * 8;
      InRows<Half> const from = matrix == 0 ? g.d : g.x;
      int const at = (matrix == 0 ? n0 : k0) + col;
      bool const inside = row0 + row < end && at < from.cols;
      std::uint32_t const to =
          base + (stage * 2 + matrix) * kMatrixBytes + (row * kStageStride + col) * 2;
      warp::copy_async(to, inside ? from.row(row0 + row) + at : from.data, inside ? 16 : 0);
    }
    warp::commit_copies();
  };

  float sum[4][4][4] = {};
  float bias = 0.F;
  fetch(begin, 0);
  int stage = 0;
  LOOM_NO_UNROLL
  for (int row0 = begin; row0 < end; row0 += kStageRows, stage ^= 1) {
    if (row0 + kStageRows < end) {
      fetch(row0 + kStageRows, stage ^ 1);
      warp::wait_copies<1>();
    } else {
      warp::wait_copies<0>();
    }
    __syncthreads();
    std::uint32_t const d_at = base + stage * 2 * kMatrixBytes, x_at = d_at + kMatrixBytes;
    if (live) {
      LOOM_UNROLL
      for (int r = 0; r < kStageRows; r += 16) {
        std::uint32_t a[4][4], b[2][4];
        // A[n][row] from [row][n]: transposed 8 x 8 matrices in the order (n0 r0) (n8 r0) (n0 r8) (n8 r8).
        LOOM_UNROLL
        for (int i = 0; i < 4; ++i)
          warp::load_transposed(a[i], d_at + ((r + (lane & 7) + (lane >> 4) * 8) * kStageStride +
                                              warp_n + i * 16 + (lane >> 3 & 1) * 8) *
                                                 2);
        // B[row][k]: transposed in the order (r0 k0) (r8 k0) (r0 k8) (r8 k8).
        LOOM_UNROLL
        for (int j = 0; j < 2; ++j)
          warp::load_transposed(
              b[j], x_at + ((r + (lane & 7) + (lane >> 3 & 1) * 8) * kStageStride + warp_k +
                            j * 16 + (lane >> 4) * 8) *
                               2);
        LOOM_UNROLL
        for (int i = 0; i < 4; ++i) {
          LOOM_UNROLL
          for (int j = 0; j < 2; ++j) {
            warp::mma(sum[i][2 * j], a[i], b[j][0], b[j][1]);
            warp::mma(sum[i][2 * j + 1], a[i], b[j][2], b[j][3]);
          }
        }
      }
    }
    if (blockIdx.y == 0 && thread < kSide) {
      auto const* column =
          reinterpret_cast<Half const*>(stages + stage * 2 * kMatrixBytes) + thread;
      LOOM_UNROLL
      for (int r = 0; r < kStageRows; ++r) bias += warp::low(column[r * kStageStride]);
    }
    __syncthreads();
  }
  float* const out = g.slots + static_cast<std::ptrdiff_t>(blockIdx.z) * g.parameters;
  if (blockIdx.y == 0 && thread < kSide && n0 + thread < g.outputs)
    out[g.outputs * g.inputs + n0 + thread] = bias;
  if (!live) return;
  LOOM_UNROLL
  for (int i = 0; i < 4; ++i) {
    LOOM_UNROLL
    for (int j = 0; j < 4; ++j) {
      LOOM_UNROLL
      for (int c = 0; c < 4; ++c) {
        int const n = n0 + warp_n + i * 16 + (lane >> 2) + c / 2 * 8;
        int const k = k0 + warp_k + j * 8 + (lane & 3) * 2 + c % 2;
        if (n < g.outputs && k < g.inputs) out[n * g.inputs + k] = sum[i][j][c];
      }
    }
  }
}

// The slots of every parameter, pairwise on the tree of kSlabs.
struct MlpSumSlots {
  float const* slots;
  int count, parameters;
  Out<float> gradient;

  HD void operator()(Lane<float> i) const {
    float part[kSlabs];
    LOOM_UNROLL
    for (int s = 0; s < kSlabs; ++s)
      part[s] = s < count ? slots[static_cast<std::ptrdiff_t>(s) * parameters + i.index] : 0.F;
    LOOM_UNROLL
    for (int step = 1; step < kSlabs; step *= 2) {
      LOOM_UNROLL
      for (int s = 0; s + step < kSlabs; s += 2 * step) part[s] += part[s + step];
    }
    gradient[static_cast<std::size_t>(i.index)] = part[0];
  }
};

int padded_to_8(int n) { return (n + 7) / 8 * 8; }
int slabs(int rows) { return std::min(kSlabs, (rows + kSlabRows - 1) / kSlabRows); }

class MlpTrainingGpu final : public MlpTrainingMachine {
 public:
  MlpTrainingGpu(Gpu exec, MlpShape const& shape, int max_rows) : shape_(shape), net_(exec, shape) {
    int const depth = shape.depth();
    std::vector<int> const turned(shape.sizes.rbegin(), shape.sizes.rend());
    std::size_t const back_bytes =
        dense_layout::place(false, turned.data(), depth - 1, nullptr).bytes;
    std::size_t const first_bytes =
        dense_layout::place(false, turned.data() + depth - 1, 1, nullptr).bytes;
    weights_ = Buffer<std::byte>(exec, back_bytes + first_bytes);
    back_ = dense_layout::place(false, turned.data(), depth - 1, weights_.data()).stack;
    first_ = dense_layout::place(false, turned.data() + depth - 1, 1, weights_.data() + back_bytes)
                 .stack;

    // Per layer: its input, its gradient, and the point of its derivative where that is stored apart.
    std::size_t used = 0;
    auto const take = [&](int cols) {
      return std::exchange(used, used + static_cast<std::size_t>(max_rows) * padded_to_8(cols));
    };
    std::size_t inputs[kMaxDepth], sums[kMaxDepth], points[kMaxDepth];
    for (int l = 0; l < depth; ++l) {
      inputs[l] = take(shape.sizes[l]);
      sums[l] = take(shape.sizes[l + 1]);
      points[l] = apart(l) ? take(shape.sizes[l + 1]) : 0;
    }
    halves_ = Buffer<Half>(exec, used);
    for (int l = 0; l < depth; ++l) {
      inputs_[l] = half_rows(inputs[l], shape.sizes[l]);
      sums_[l] = half_rows(sums[l], shape.sizes[l + 1]);
      if (apart(l)) points_[l] = half_rows(points[l], shape.sizes[l + 1]);
    }
    slots_ = Buffer<float>(exec, static_cast<std::size_t>(slabs(max_rows)) * shape.parameters());
  }

  void forward(Exec const& exec, In<float> parameters, InRows<float> x, OutRows<float> y) override {
    Gpu const gpu = std::get<Gpu>(exec);
    net_.pack(exec, parameters);
    MlpTrainingForward body{net_.view(), x, y, {}, {}};
    for (int l = 0; l < shape_.depth(); ++l) {
      body.inputs[l] = rows_of(inputs_[l], x.rows);
      body.points[l] = rows_of(points_[l], x.rows);
    }
    launch_rows(gpu, x.rows, {net_.view().stack.width, 1, 0, net_.view().stack.tape}, body);
  }

  void backward(Exec const& exec, In<float> parameters, InRows<float> x, InRows<float> dy,
                Out<float> gradient, OutRows<float> dx) override {
    Gpu const gpu = std::get<Gpu>(exec);
    int const depth = shape_.depth();
    pack(gpu, parameters);
    MlpTrainingBackward body{back_, first_, shape_.hidden, shape_.output, dy, dx, {}, {}};
    for (int l = 0; l < depth; ++l) {
      body.points[l] = rows_of(apart(l) ? points_[l] : inputs_[std::min(l + 1, depth - 1)], x.rows);
      body.sums[l] = rows_of(sums_[l], x.rows);
    }
    BlockNeeds needs{std::max(back_.width, first_.width), 1, 0, back_.tape};
    for (int n : shape_.sizes) needs.width = std::max(needs.width, n);
    if (dx.data != nullptr) needs.tape.add(first_.tape);
    launch_rows(gpu, x.rows, needs, body);

    int const count = slabs(x.rows), slab_rows = ((x.rows + count - 1) / count + 31) / 32 * 32;
    int const used = (x.rows + slab_rows - 1) / slab_rows;
    for (int l = 0; l < depth; ++l) {
      int const inputs = shape_.sizes[l], outputs = shape_.sizes[l + 1];
      MlpWeightGradient const g{
          rows_of(sums_[l], x.rows),        rows_of(inputs_[l], x.rows), outputs, inputs, slab_rows,
          slots_.data() + shape_.offset(l), shape_.parameters()};
      dim3 const grid((outputs + kSide - 1) / kSide, (inputs + kSide - 1) / kSide, used);
      enqueue(gpu, grid, 256, 0, mlp_weight_gradient, g);
    }
    launch(gpu, shape_.parameters(),
           MlpSumSlots{slots_.data(), used, shape_.parameters(), gradient});
  }

 private:
  // The derivative of a hidden tanh, ReLU or ELU is taken at the next layer's input.
  bool apart(int l) const {
    if (l + 1 < shape_.depth()) return keeps_input(shape_.hidden);
    return shape_.output != Activation::identity;
  }
  OutRows<Half> half_rows(std::size_t at, int cols) {
    return {halves_.data() + at, 0, padded_to_8(cols)};
  }
  static OutRows<Half> rows_of(OutRows<Half> all, int rows) {
    return {all.data, rows, all.cols, all.stride};
  }
  template <class Body>
  static void launch_rows(Gpu gpu, int rows, BlockNeeds const& needs, Body const& body) {
    if (rows <= 2048)
      launch_blocks<16>(gpu, rows, needs, body);
    else
      launch_blocks<64>(gpu, rows, needs, body);
  }
  void pack(Gpu gpu, In<float> parameters) {
    int const depth = shape_.depth();
    PackDense plan{back_, {}}, first{first_, {}};
    auto const turned = [&](int l) {
      return DenseSource{parameters.data + shape_.offset(l), 1, shape_.sizes[l], nullptr};
    };
    for (int l = depth - 1; l > 0; --l) plan.source[depth - 1 - l] = turned(l);
    first.source[0] = turned(0);
    if (depth > 1) pack_dense(gpu, plan);
    pack_dense(gpu, first);
  }

  MlpShape shape_;
  PackedMlp net_;
  DenseStack back_, first_;
  Buffer<std::byte> weights_;
  Buffer<Half> halves_;
  Buffer<float> slots_;
  OutRows<Half> inputs_[kMaxDepth], sums_[kMaxDepth], points_[kMaxDepth];
};

}  // namespace

std::unique_ptr<MlpTrainingMachine> make_mlp_training(Gpu exec, MlpShape const& shape,
                                                      int max_rows) {
  return std::make_unique<MlpTrainingGpu>(exec, shape, max_rows);
}

}  // namespace loom
