#include <benchmark/benchmark.h>

#include <Eigen/Dense>
#include <kernels/core/math.hpp>
#include <kernels/linalg/gemm.hpp>
#include <vector>

namespace loom {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Shapes of an MLP 64 wide, a Dreamer core and a policy's head; forward (b transposed) and dW (a
// transposed).
void forward_shapes(benchmark::internal::Benchmark* b) {
  for (auto const& s : {std::array{4096, 64, 64},
                        {50, 600, 200},
                        {2500, 600, 200},
                        {2500, 400, 400},
                        {4096, 6, 64},
                        {4096, 64, 17},
                        {1, 256, 256},
                        {64, 256, 256},
                        {512, 512, 512}})
    b->Args({s[0], s[1], s[2]});
}
void weight_shapes(benchmark::internal::Benchmark* b) {
  for (auto const& s : {std::array{64, 64, 4096}, {6, 64, 4096}, {64, 17, 4096}, {400, 400, 2500}})
    b->Args({s[0], s[1], s[2]});
}

void count(benchmark::State& state) {
  state.counters["flop/s"] = benchmark::Counter(
      2. * static_cast<double>(state.range(0)) * static_cast<double>(state.range(1)) *
          static_cast<double>(state.range(2)),
      benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

void gemm_cpu(benchmark::State& state, Transpose ta, Transpose tb) {
  int const m = static_cast<int>(state.range(0)), n = static_cast<int>(state.range(1)),
            k = static_cast<int>(state.range(2));
  Matrix const a = Matrix::Random(ta == Transpose::yes ? k : m, ta == Transpose::yes ? m : k);
  Matrix const b = Matrix::Random(tb == Transpose::yes ? n : k, tb == Transpose::yes ? k : n);
  Matrix c(m, n);
  auto const view = [](Matrix const& x) {
    return InRows<float>(x.data(), static_cast<int>(x.rows()), static_cast<int>(x.cols()));
  };
  for (auto _ : state)
    gemm(Cpu{}, view(a), view(b), OutRows<float>(c.data(), m, n), {.a = ta, .b = tb});
  count(state);
}
BENCHMARK_CAPTURE(gemm_cpu, forward, Transpose::no, Transpose::yes)->Apply(forward_shapes);
BENCHMARK_CAPTURE(gemm_cpu, weights, Transpose::yes, Transpose::no)->Apply(weight_shapes);

void gemm_eigen(benchmark::State& state, Transpose ta) {
  auto const m = state.range(0), n = state.range(1), k = state.range(2);
  Matrix const a = Matrix::Random(ta == Transpose::yes ? k : m, ta == Transpose::yes ? m : k);
  Matrix const b = Matrix::Random(n, k), plain = Matrix::Random(k, n);
  Matrix c(m, n);
  for (auto _ : state) {
    if (ta == Transpose::yes)
      c.noalias() = a.transpose() * plain;
    else
      c.noalias() = a * b.transpose();
  }
  count(state);
}
BENCHMARK_CAPTURE(gemm_eigen, forward, Transpose::no)->Apply(forward_shapes);
BENCHMARK_CAPTURE(gemm_eigen, weights, Transpose::yes)->Apply(weight_shapes);

// The ceiling: independent multiply-adds in registers, the tile's own mix without its memory.
void fma_peak_cpu(benchmark::State& state) {
  constexpr int kSums = 24, kSteps = 1000;
  Wide sum[kSums];
  for (int i = 0; i < kSums; ++i) sum[i] = Wide(static_cast<float>(i));
  Wide const x(0.999F), y(1e-3F);
  for (auto _ : state) {
    for (int step = 0; step < kSteps; ++step) LOOM_UNROLL
    for (int i = 0; i < kSums; ++i) sum[i] = math::fma(sum[i], x, y);
    float total = 0.F;
    for (Wide const& s : sum) total += s[0];
    benchmark::DoNotOptimize(total);
  }
  state.counters["flop/s"] = benchmark::Counter(2. * kSums * kSteps * kWidth<Wide>,
                                                benchmark::Counter::kIsIterationInvariantRate,
                                                benchmark::Counter::kIs1000);
}
BENCHMARK(fma_peak_cpu);

}  // namespace
}  // namespace loom
