#include <benchmark/benchmark.h>

#include <kernels/nn/dense.hpp>
#include <vector>

namespace loom {
namespace {

// Forward and backward of a 64-wide tanh layer, and of a 512-wide silu layer: 6 flops a weight and
// row.
void dense_cpu(benchmark::State& state, Activation activation) {
  int const rows = static_cast<int>(state.range(0)), width = static_cast<int>(state.range(1));
  auto const elements = static_cast<std::size_t>(rows * width),
             weights = static_cast<std::size_t>(width * width);
  std::vector<float> x(elements, 0.1F), w(weights, 0.01F), b(static_cast<std::size_t>(width)),
      y(elements), z(elements), dy(elements, 1.F), dz(elements), dx(elements), dw(weights),
      db(b.size());
  std::vector<std::uint8_t> workspace(dense_workspace(Cpu{}, rows, width));
  DenseOptions const options{.activation = activation, .workspace = workspace};
  InRows<float> const xs(x.data(), rows, width), ws(w.data(), width, width);
  OutRows<float> const ys(y.data(), rows, width), zs(z.data(), rows, width);
  for (auto _ : state) {
    dense(Cpu{}, xs, ws, b, ys, zs, options);
    dense_backward(Cpu{}, xs, ws, activation == Activation::silu ? zs : ys,
                   InRows<float>(dy.data(), rows, width), OutRows<float>(dz.data(), rows, width),
                   {.dx = OutRows<float>(dx.data(), rows, width),
                    .dweight = OutRows<float>(dw.data(), width, width),
                    .dbias = db},
                   options);
  }
  state.counters["flop/s"] =
      benchmark::Counter(6. * rows * width * width, benchmark::Counter::kIsIterationInvariantRate,
                         benchmark::Counter::kIs1000);
}
BENCHMARK_CAPTURE(dense_cpu, tanh, Activation::tanh)->Args({4096, 64})->Args({256, 256});
BENCHMARK_CAPTURE(dense_cpu, silu, Activation::silu)->Args({1024, 512});

}  // namespace
}  // namespace loom
