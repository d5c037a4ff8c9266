#include <benchmark/benchmark.h>

#include <bench/ceilings.hpp>
#include <kernels/core/buffer.hpp>
#include <kernels/linalg/conv.hpp>

namespace loom {
namespace {

/// PPO's two layers on 64 x 64 x 3 bytes, Dreamer's encoder, the last layer of its decoder.
ConvShape shape_of(std::int64_t index) {
  switch (index) {
    case 0:
      return {64, 64, 3, 16, 8, 4, 0};
    case 1:
      return {15, 15, 16, 32, 4, 2, 0};
    case 2:
      return {64, 64, 3, 32, 4, 2, 0};
    case 3:
      return {31, 31, 32, 64, 4, 2, 0};
    case 4:
      return {14, 14, 64, 128, 4, 2, 0};
    case 5:
      return {6, 6, 128, 256, 4, 2, 0};
    default:
      return {64, 64, 3, 32, 6, 2, 0};
  }
}
void shapes(benchmark::internal::Benchmark* b) {
  for (int i = 0; i < 7; ++i) b->Args({i, 128});
}

enum class Direction { forward, bytes, data, weights };

/// flop/s of one direction and its share of the FMA peak of the same run; one thread.
void conv_cpu(benchmark::State& state, Direction direction) {
  static double const peak = bench::fma_peak();
  ConvShape const s = shape_of(state.range(0));
  int const rows = static_cast<int>(state.range(1));
  Exec const exec{Cpu{}};
  auto const filled = [&](int n, float scale) {
    std::vector<float> v(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] = scale * (static_cast<float>(i * 7919 % 101) - 50.F);
    return uploaded(exec, v);
  };
  auto x = filled(rows * s.inputs(), 0.01F), y = filled(rows * s.outputs(), 0.01F),
       dx = filled(rows * s.inputs(), 0.F);
  auto const weight = filled(s.weights(), 0.001F), bias = filled(s.filters, 0.01F);
  Buffer<float> dweight(exec, weight.size()), dbias(exec, bias.size());
  Buffer<std::uint8_t> const bytes = zeros<std::uint8_t>(exec, x.size());
  Buffer<std::uint8_t> workspace(exec, conv_workspace(Cpu{}, s, rows));
  ConvOptions const options{.workspace = workspace.out()};
  InRows<float> const images(x.data(), rows, s.inputs());
  OutRows<float> const out(y.data(), rows, s.outputs());
  for (auto _ : state) switch (direction) {
      case Direction::forward:
        conv(Cpu{}, s, images, weight.in(), bias.in(), out, {}, options);
        break;
      case Direction::bytes:
        conv(Cpu{}, s, InRows<std::uint8_t>(bytes.data(), rows, s.inputs()), weight.in(), bias.in(),
             out, {}, options);
        break;
      case Direction::data:
        conv_backward(Cpu{}, s, images, weight.in(), {}, out, out,
                      {.dx = OutRows<float>(dx.data(), rows, s.inputs())}, options);
        break;
      case Direction::weights:
        conv_backward(Cpu{}, s, images, weight.in(), {}, out, out,
                      {.dweight = dweight.out(), .dbias = dbias.out()}, options);
    }
  double const flop = 2. * rows * s.out_pixels() * s.weights();
  state.counters["flop/s"] = benchmark::Counter(flop, benchmark::Counter::kIsIterationInvariantRate,
                                                benchmark::Counter::kIs1000);
  state.counters["of peak"] =
      benchmark::Counter(flop / peak, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(conv_cpu, forward, Direction::forward)->Apply(shapes);
BENCHMARK_CAPTURE(conv_cpu, bytes, Direction::bytes)->Args({0, 128})->Args({2, 128});
BENCHMARK_CAPTURE(conv_cpu, data, Direction::data)->Apply(shapes);
BENCHMARK_CAPTURE(conv_cpu, weights, Direction::weights)->Apply(shapes);

}  // namespace
}  // namespace loom
