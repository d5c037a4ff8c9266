#include <gtest/gtest.h>

#include <cmath>
#include <kernels/core/random.hpp>
#include <learn/core/tape.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

std::vector<float> normal(std::size_t n, std::uint32_t stream) {
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i)
    x[i] = Random<float>(4, stream, static_cast<std::uint32_t>(i), Purpose::weights).normal();
  return x;
}

/// x -> two networks -> sum of both outputs' squares / 2; the first network's output is read twice.
struct Program {
  MlpShape shape{{3, 9, 4}, Activation::tanh}, second{{4, 5, 4}, Activation::silu};
  MlpTraining net, other;
  Buffer<float> parameters, other_parameters, gradient, other_gradient;
  GradientTape tape;
  GradientTape::Value x, h, y;
  static constexpr int kRows = 11;

  explicit Program(Exec const& exec)
      : net(exec, shape, kRows),
        other(exec, second, kRows),
        parameters(uploaded(exec, normal(static_cast<std::size_t>(shape.parameters()), 1))),
        other_parameters(uploaded(exec, normal(static_cast<std::size_t>(second.parameters()), 2))),
        gradient(exec, parameters.size()),
        other_gradient(exec, other_parameters.size()),
        tape(exec) {
    x = tape.input(kRows, 3);
    h = tape.mlp(x, net, parameters.in(), gradient.out());
    y = tape.mlp(h, other, other_parameters.in(), other_gradient.out());
    tape.loss({h, y}, [this](Exec const& e, std::vector<OutRows<float>> const& d) {
      copy<float>(e, all(tape.value(h)), all(d[0]));
      copy<float>(e, all(tape.value(y)), all(d[1]));
    });
    upload<float>(exec, normal(kRows * 3, 3), all(tape.value(x)));
  }
  static Out<float> all(OutRows<float> m) {
    return {m.data, static_cast<std::size_t>(m.rows) * static_cast<std::size_t>(m.cols)};
  }
  double loss(Exec const& exec) {
    tape.forward();
    double sum = 0;
    for (auto const v : {h, y})
      for (float const f : download(exec, In<float>(all(tape.value(v)))))
        sum += 0.5 * static_cast<double>(f) * f;
    return sum;
  }
};

TEST(GradientTape, AddsTheGradientsOfAllReaders) {
  Exec const exec{Cpu{}};
  Program p(exec);
  p.tape.forward();
  p.tape.backward();
  std::vector<float> const gradient = download(p.gradient);
  std::vector<float> base = download(p.parameters);
  // Central differences in float: the step is wide, the tolerance accordingly.
  float const step = 1e-2F;
  double scale = 0;
  for (float const g : gradient) scale = std::max(scale, std::abs(static_cast<double>(g)));
  for (std::size_t i = 0; i < base.size(); ++i) {
    double both[2];
    for (int side = 0; side < 2; ++side) {
      std::vector<float> moved = base;
      moved[i] += side == 0 ? -step : step;
      upload<float>(exec, moved, p.parameters.out());
      both[side] = p.loss(exec);
    }
    EXPECT_NEAR(gradient[i], (both[1] - both[0]) / (2.0 * step), 2e-3 * scale) << "parameter " << i;
  }
}

TEST(GradientTape, ReplaysToTheSameBits) {
  for (Exec const& exec : every_exec()) {
    Program p(exec);
    p.tape.forward();
    p.tape.backward();
    std::vector<float> const first = download(p.gradient);
    p.tape.forward();
    p.tape.backward();
    EXPECT_EQ(download(p.gradient), first);
  }
}

TEST(GradientTape, SaysWhatIsMissing) {
  GradientTape tape(Exec{Cpu{}});
  GradientTape::Value const x = tape.input(2, 3);
  EXPECT_THROW(tape.backward(), ShapeError);
  EXPECT_THROW(tape.gradient(x), ShapeError);
  EXPECT_THROW(tape.input(0, 3), ShapeError);
}

}  // namespace
}  // namespace loom
