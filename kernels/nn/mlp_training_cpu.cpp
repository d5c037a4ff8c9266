// The CPU's half of MlpTraining: tiles of kTileRows rows go through the whole net, row-major, on the
// 6 x 64 register tiles of gemm_tile.hpp; rows are padded to whole packs, so that nothing is masked.
#include <algorithm>
#include <kernels/core/block_cpu.hpp>
#include <kernels/linalg/gemm_tile.hpp>
#include <kernels/nn/activation_body.hpp>
#include <kernels/nn/mlp_training.hpp>

namespace loom {
namespace {

using namespace gemm_cpu;

constexpr int kTileRows = 192;  // 32 blocks of six; 64, 96, 128 and 256 were 2 to 25 % slower
constexpr int kSlots =
    16;  // slabs of rows at most: the sum of their gradients is then < 5 % of the work
constexpr Lane<Wide> kFirst{0};
alignas(64) constexpr float kZeros[dense_layout::kMaxWidth] = {};

int padded(int n) { return (n + kPackWidth - 1) / kPackWidth * kPackWidth; }

/// Floats from row to row: an odd number of cache lines, or wide rows fall into few sets of the
/// first-level cache (256 columns ran at a third of the speed).
int stride_of(int width) { return width <= kPanel ? width : ((width + 15) / 16 | 1) * 16; }

/// c (m x width) = start + a (m x k) b (k x width), width being whole packs.
void product(int m, int width, int k, Strided a, float const* b, std::ptrdiff_t b_stride,
             float const* start, std::ptrdiff_t start_stride, float* c, std::ptrdiff_t c_stride) {
  for (int n = 0; n < width; n += kPanel) {
    int const packs = std::min(kPanelPacks, (width - n) / kPackWidth);
    int const most = rows_a_tile(packs);
    int blocks = (m + most - 1) / most;
    for (int row = 0; row < m; --blocks) {
      int const rows = (m - row + blocks - 1) / blocks;  // blocks of nearly equal height
      tile_of(rows, packs)(k, a.at(row, 0), b + n, b_stride, start + row * start_stride + n,
                           start_stride, c + row * c_stride + n, c_stride);
      row += rows;
    }
  }
}

/// f on every pack of n floats, the activation being a constant inside.
template <class F>
void with_activation(Activation kind, F const& f) {
  switch (kind) {
    case Activation::tanh:
      return f(std::integral_constant<Activation, Activation::tanh>{});
    case Activation::relu:
      return f(std::integral_constant<Activation, Activation::relu>{});
    case Activation::elu:
      return f(std::integral_constant<Activation, Activation::elu>{});
    case Activation::silu:
      return f(std::integral_constant<Activation, Activation::silu>{});
    default:
      return f(std::integral_constant<Activation, Activation::identity>{});
  }
}
void activate_all(Activation kind, float const* from, float* to, int n) {
  with_activation(kind, [&](auto constant) {
    for (int i = 0; i < n; i += kPackWidth)
      store(to + i, kFirst, activate(constant, load(from + i, kFirst)));
  });
}
/// d *= the derivative at a.
void differentiate_all(Activation kind, float const* a, float* d, int n) {
  if (kind == Activation::identity) return;
  with_activation(kind, [&](auto constant) {
    for (int i = 0; i < n; i += kPackWidth)
      store(d + i, kFirst, activation_gradient(constant, load(a + i, kFirst), load(d + i, kFirst)));
  });
}

struct Layer {
  int inputs, outputs, in_width, out_width;  // widths: whole packs
  int in_stride, out_stride;
  int parameters;  // where W begins among the parameters
  Activation activation;
  bool keeps;            // output or pre-activation are stored for backward
  bool turned;           // the gradient of W is summed as [inputs][outputs], not [outputs][inputs]
  std::size_t forward;   // W^T [inputs][out_stride], then the bias
  std::size_t backward;  // W [outputs][in_stride]
  std::size_t output, input;  // activations; pre-activations if its activation needs them
  std::size_t slot;           // gradient of W, then of the bias

  int slot_rows() const { return turned ? inputs : outputs; }
  int slot_width() const { return turned ? out_width : in_width; }
  int slot_stride() const { return turned ? out_stride : in_stride; }
};

class MlpTrainingCpu final : public MlpTrainingMachine {
 public:
  MlpTrainingCpu(Cpu exec, MlpShape const& shape, int max_rows) {
    auto const rows = static_cast<std::size_t>(max_rows);
    std::size_t used = 0;
    auto const take = [&](std::size_t n) { return std::exchange(used, used + n); };
    for (int l = 0; l < shape.depth(); ++l) {
      Layer s{};
      s.inputs = shape.sizes[l];
      s.outputs = shape.sizes[l + 1];
      s.in_width = padded(s.inputs);
      s.out_width = padded(s.outputs);
      s.in_stride = stride_of(s.in_width);
      s.out_stride = stride_of(s.out_width);
      s.parameters = shape.offset(l);
      bool const last = l + 1 == shape.depth();
      s.activation = last ? shape.output : shape.hidden;
      s.keeps = !last || s.activation != Activation::identity;
      // x lies as the caller has it, so it cannot be the operand that is read in whole packs.
      s.turned = l == 0 || s.inputs * s.out_width < s.outputs * s.in_width;
      auto const in = static_cast<std::size_t>(s.in_stride),
                 out = static_cast<std::size_t>(s.out_stride);
      s.forward = take(static_cast<std::size_t>(s.inputs) * out + out);
      s.backward = take(static_cast<std::size_t>(s.outputs) * in);
      if (s.keeps) s.output = take(rows * out);
      if (s.keeps && keeps_input(s.activation)) s.input = take(rows * out);
      s.slot = slot_size_;
      slot_size_ += static_cast<std::size_t>(s.slot_rows()) * s.slot_stride() + out;
      widest_ = std::max({widest_, s.in_stride, s.out_stride});
      layers_.push_back(s);
    }
    slots_ = take(slot_size_ * slots(max_rows));
    memory_ = zeros<float>(exec, used);
  }

  void forward(Exec const& exec, In<float> parameters, InRows<float> x, OutRows<float> y) override {
    pack_forward(parameters);
    Cpu const cpu = std::get<Cpu>(exec);
    for_slices(cpu, x.rows, kTileRows, [&](int begin, int end) {
      for (int r = begin; r < end; r += kTileRows)
        forward_tile(r, std::min(kTileRows, end - r), x, y);
    });
  }

  void backward(Exec const& exec, In<float> parameters, InRows<float> x, InRows<float> dy,
                Out<float> gradient, OutRows<float> dx) override {
    pack_backward(parameters, dx.data != nullptr);
    Cpu const cpu = std::get<Cpu>(exec);
    int const tiles = (x.rows + kTileRows - 1) / kTileRows, n = slots(x.rows);
    parallel(cpu, n, [&](int slot) {
      int const begin = slot * tiles / n, end = (slot + 1) * tiles / n;
      for (int t = begin; t < end; ++t) {
        int const first = t * kTileRows;
        backward_tile(first, std::min(kTileRows, x.rows - first), x, dy, dx,
                      at(slots_ + slot * slot_size_), t == begin);
      }
    });
    int const layers = static_cast<int>(layers_.size());
    for (int l = 0; l < layers; ++l) sum_slots(cpu, layers_[l], n, gradient.data);
  }

 private:
  static int slots(int rows) { return std::min(kSlots, (rows + kTileRows - 1) / kTileRows); }
  float* at(std::size_t offset) { return memory_.data() + offset; }

  void pack_forward(In<float> parameters) {
    for (Layer const& s : layers_) {
      float const* const w = parameters.data + s.parameters;
      float* const to = at(s.forward);
      for (int n = 0; n < s.outputs; ++n)
        for (int k = 0; k < s.inputs; ++k) to[k * s.out_stride + n] = w[n * s.inputs + k];
      std::copy_n(w + s.inputs * s.outputs, s.outputs, to + s.inputs * s.out_stride);
    }
  }
  void pack_backward(In<float> parameters, bool with_dx) {
    for (std::size_t l = with_dx ? 0 : 1; l < layers_.size(); ++l) {
      Layer const& s = layers_[l];
      for (int n = 0; n < s.outputs; ++n)
        std::copy_n(parameters.data + s.parameters + n * s.inputs, s.inputs,
                    at(s.backward) + n * s.in_stride);
    }
  }

  void forward_tile(int first, int rows, InRows<float> x, OutRows<float> y) {
    float* const side = dense_cpu::scratch(static_cast<std::size_t>(kTileRows) * widest_);
    Strided in{x.row(first), x.stride, 1};
    for (Layer const& s : layers_) {
      std::size_t const offset = static_cast<std::size_t>(first) * s.out_stride;
      float* const out = s.keeps ? at(s.output) + offset : side;
      float* const sums = s.keeps && keeps_input(s.activation) ? at(s.input) + offset : out;
      float const* const w = at(s.forward);
      product(rows, s.out_width, s.inputs, in, w, s.out_stride, w + s.inputs * s.out_stride, 0,
              sums, s.out_stride);
      if (s.activation != Activation::identity)
        activate_all(s.activation, sums, out, rows * s.out_stride);
      in = {out, s.out_stride, 1};
    }
    for (int r = 0; r < rows; ++r) std::copy_n(in.data + r * in.row, y.cols, y.row(first + r));
  }

  void backward_tile(int first, int rows, InRows<float> x, InRows<float> dy, OutRows<float> dx,
                     float* slot, bool begin) {
    std::size_t const size = static_cast<std::size_t>(kTileRows) * widest_;
    float* d = dense_cpu::scratch(2 * size);
    float* next = d + size;
    int const last = static_cast<int>(layers_.size()) - 1;
    int const dy_stride = layers_[last].out_stride;
    for (int r = 0; r < rows; ++r) {
      std::copy_n(dy.row(first + r), dy.cols, d + r * dy_stride);
      std::fill_n(d + r * dy_stride + dy.cols, dy_stride - dy.cols, 0.F);
    }
    differentiate(layers_[last], first, rows, d);
    for (int l = last; l >= 0; --l) {
      Layer const& s = layers_[l];
      Strided in{x.row(first), x.stride, 1};
      if (l > 0) {
        std::size_t const offset = static_cast<std::size_t>(first) * s.in_stride;
        in = {at(layers_[l - 1].output) + offset, s.in_stride, 1};
      }
      float* const dw = slot + s.slot;
      int const width = s.slot_width(), stride = s.slot_stride();
      float const* const start = begin ? kZeros : dw;
      if (s.turned)
        product(s.inputs, width, rows, {in.data, 1, in.row}, d, s.out_stride, start,
                begin ? 0 : stride, dw, stride);
      else
        product(s.outputs, width, rows, {d, 1, s.out_stride}, in.data, in.row, start,
                begin ? 0 : stride, dw, stride);
      add_rows(d, rows, s.out_width, s.out_stride, begin, dw + s.slot_rows() * stride);
      if (l == 0 && dx.data == nullptr) break;
      product(rows, s.in_width, s.outputs, {d, s.out_stride, 1}, at(s.backward), s.in_stride,
              kZeros, 0, next, s.in_stride);
      std::swap(d, next);
      if (l > 0) {
        differentiate(layers_[l - 1], first, rows, d);
      } else {
        for (int r = 0; r < rows; ++r) std::copy_n(d + r * s.in_stride, dx.cols, dx.row(first + r));
      }
    }
  }

  void differentiate(Layer const& s, int first, int rows, float* d) {
    if (!s.keeps) return;
    float const* const a = at(keeps_input(s.activation) ? s.input : s.output);
    differentiate_all(s.activation, a + static_cast<std::size_t>(first) * s.out_stride, d,
                      rows * s.out_stride);
  }

  /// sum (+)= the rows of d.
  static void add_rows(float const* d, int rows, int width, int stride, bool begin, float* sum) {
    for (int n = 0; n < width; n += kPackWidth) {
      Wide s = begin ? Wide(0.F) : load(sum + n, kFirst);
      for (int r = 0; r < rows; ++r) s = s + load(d + r * stride + n, kFirst);
      store(sum + n, kFirst, s);
    }
  }

  /// The slots' gradients of one layer, pairwise, to where the caller wants them.
  void sum_slots(Cpu exec, Layer const& s, int n, float* gradient) {
    int const rows = s.slot_rows();
    float* const to = gradient + s.parameters;
    for_slices(exec, rows + 1, 64, [&](int begin, int end) {
      alignas(64) float sum[dense_layout::kMaxWidth];
      for (int r = begin; r < end; ++r) {
        bool const bias = r == rows;
        std::size_t const offset = slots_ + s.slot + static_cast<std::size_t>(r) * s.slot_stride();
        sum_row(offset, n, bias ? s.out_width : s.slot_width(), sum);
        if (bias)
          std::copy_n(sum, s.outputs, to + s.inputs * s.outputs);
        else if (!s.turned)
          std::copy_n(sum, s.inputs, to + r * s.inputs);
        else
          for (int j = 0; j < s.outputs; ++j) to[j * s.inputs + r] = sum[j];
      }
    });
  }
  void sum_row(std::size_t offset, int n, int width, float* sum) {
    for (int c = 0; c < width; c += kPackWidth) {
      Wide part[kSlots];
      for (int i = 0; i < n; ++i) part[i] = load(at(offset + i * slot_size_) + c, kFirst);
      for (int left = n; left > 1; left = (left + 1) / 2)
        for (int i = 0; i < left / 2; ++i) {
          part[i] = part[2 * i] + part[2 * i + 1];
          if (i + 1 == left / 2 && left % 2 == 1) part[i + 1] = part[left - 1];
        }
      store(sum + c, kFirst, part[0]);
    }
  }

  std::vector<Layer> layers_;
  std::size_t slots_ = 0, slot_size_ = 0;
  int widest_ = 0;
  Buffer<float> memory_;
};

}  // namespace

std::unique_ptr<MlpTrainingMachine> make_mlp_training(Cpu exec, MlpShape const& shape,
                                                      int max_rows) {
  return std::make_unique<MlpTrainingCpu>(exec, shape, max_rows);
}

}  // namespace loom
