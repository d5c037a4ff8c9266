#include <kernels/core/graph.hpp>
#include <kernels/core/thread_pool.hpp>
#include <kernels/nn/mlp_training.hpp>
#include <tests/device.hpp>
#include <tests/fixture.hpp>
#include <tests/kernels/nn/mlp_reference.hpp>

namespace loom {
namespace {

struct Result {
  std::vector<float> y, gradient, dx;
};

Result run(Exec const& exec, MlpShape const& shape, std::vector<float> const& parameters,
           std::vector<float> const& x, std::vector<float> const& dy, bool with_dx = true) {
  int const rows = static_cast<int>(x.size()) / shape.inputs();
  auto const w = uploaded(exec, parameters), x_in = uploaded(exec, x), dy_in = uploaded(exec, dy);
  Buffer<float> y(exec, dy.size()), dx(exec, x.size());
  // Whatever is there is overwritten.
  auto gradient = uploaded(exec, std::vector<float>(parameters.size(), -7.F));
  MlpTraining net(exec, shape, rows + 3);
  InRows<float> const in{x_in.data(), rows, shape.inputs()};
  for (int turn = 0; turn < 2; ++turn) {
    net.forward(w.in(), in, {y.data(), rows, shape.outputs()});
    net.backward(w.in(), in, {dy_in.data(), rows, shape.outputs()}, gradient.out(),
                 with_dx ? OutRows<float>{dx.data(), rows, shape.inputs()} : OutRows<float>{});
  }
  return {download(y), download(gradient), with_dx ? download(dx) : std::vector<float>{}};
}

double derivative(Activation kind, double z) {
  switch (kind) {
    case Activation::tanh:
      return 1 - std::tanh(z) * std::tanh(z);
    case Activation::relu:
      return z > 0 ? 1 : 0;
    case Activation::elu:
      return z > 0 ? 1 : std::exp(z);
    case Activation::silu: {
      double const s = 1 / (1 + std::exp(-z));
      return s * (1 + z * (1 - s));
    }
    default:
      return 1;
  }
}

struct Reference {
  std::vector<double> y, gradient, dx;
};

// Backpropagation as the chain rule has it, in double.
Reference reference(MlpShape const& shape, std::vector<float> const& parameters,
                    std::vector<float> const& x, std::vector<float> const& dy) {
  Reference result{{}, std::vector<double>(parameters.size()), {}};
  auto const inputs = static_cast<std::size_t>(shape.inputs()),
             outputs = static_cast<std::size_t>(shape.outputs());
  for (std::size_t r = 0; r * inputs < x.size(); ++r) {
    std::vector<std::vector<double>> h{{x.begin() + static_cast<std::ptrdiff_t>(r * inputs),
                                        x.begin() + static_cast<std::ptrdiff_t>((r + 1) * inputs)}},
        z;
    auto const kind = [&](int l) { return l + 1 < shape.depth() ? shape.hidden : shape.output; };
    for (int l = 0; l < shape.depth(); ++l) {
      float const* const p = parameters.data() + shape.offset(l);
      auto const in = static_cast<std::size_t>(shape.sizes[l]),
                 out = static_cast<std::size_t>(shape.sizes[l + 1]);
      z.emplace_back(out);
      h.emplace_back(out);
      for (std::size_t n = 0; n < out; ++n) {
        z[l][n] = p[in * out + n];
        for (std::size_t k = 0; k < in; ++k) z[l][n] += p[n * in + k] * h[l][k];
        h[l + 1][n] = activate_reference(kind(l), z[l][n]);
      }
    }
    result.y.insert(result.y.end(), h.back().begin(), h.back().end());
    std::vector<double> d(dy.begin() + static_cast<std::ptrdiff_t>(r * outputs),
                          dy.begin() + static_cast<std::ptrdiff_t>((r + 1) * outputs));
    for (int l = shape.depth() - 1; l >= 0; --l) {
      float const* const p = parameters.data() + shape.offset(l);
      double* const g = result.gradient.data() + shape.offset(l);
      auto const in = static_cast<std::size_t>(shape.sizes[l]),
                 out = static_cast<std::size_t>(shape.sizes[l + 1]);
      std::vector<double> before(in);
      for (std::size_t n = 0; n < out; ++n) {
        double const dz = d[n] * derivative(kind(l), z[l][n]);
        g[in * out + n] += dz;
        for (std::size_t k = 0; k < in; ++k) {
          g[n * in + k] += dz * h[l][k];
          before[k] += dz * p[n * in + k];
        }
      }
      d = before;
    }
    result.dx.insert(result.dx.end(), d.begin(), d.end());
  }
  return result;
}

// Norm-wise: ReLU's derivative jumps, and a bf16 activation may fall on the other side.
template <class A>
double relative_error(A const& got, std::vector<double> const& expected) {
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += (got[i] - expected[i]) * (got[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(error / norm);
}

void expect_reference(Exec const& exec, MlpShape const& shape, int rows) {
  auto const parameters = parameters_of(shape, 3);
  auto const x = normals(static_cast<std::size_t>(rows) * shape.inputs(), 5);
  auto const dy = normals(static_cast<std::size_t>(rows) * shape.outputs(), 6);
  auto const expected = reference(shape, parameters, x, dy);
  auto const got = run(exec, shape, parameters, x, dy);
  double const tolerance = on_cpu(exec) ? 3e-6 : 2e-2;  // fp32 or bf16 rounding
  ASSERT_LT(relative_error(got.y, expected.y), tolerance) << rows << " rows";
  EXPECT_LT(relative_error(got.gradient, expected.gradient), tolerance)
      << rows << " rows, first " << shape.sizes[1] << " wide";
  EXPECT_LT(relative_error(got.dx, expected.dx), tolerance)
      << rows << " rows, first " << shape.sizes[1] << " wide";
}

TEST(MlpTraining, EqualsADoubleReferenceForEveryActivation) {
  for (Exec const& exec : every_exec())
    for (Activation a : {Activation::identity, Activation::tanh, Activation::elu, Activation::silu})
      expect_reference(exec, {{5, 40, 19, 3}, a, a}, 70);
}

TEST(MlpTraining, EqualsADoubleReferenceForEveryShape) {
  for (Exec const& exec : every_exec()) {
    for (int width : {1, 7, 32, 33, 100, 190, 250, 256})
      expect_reference(exec, {{3, width, 29, width}}, 37);
    expect_reference(exec, {{200, 2}}, 65);
    expect_reference(exec, {{200, 100}}, 65);
    expect_reference(exec, {{4, 8, 40, 8, 40, 8, 40, 8, 2}, Activation::silu}, 20);
  }
}

/// A width a test: every way a layer can be spread, each to be noticed alone.
class MlpTrainingOfWidth : public testing::TestWithParam<int> {
 protected:
  static void expect_widening(int rows) {
    for (Exec const& exec : every_exec())
      expect_reference(exec, {{3, GetParam(), 20, GetParam()}}, rows);
  }
  static void expect_narrowing(int rows) {
    for (Exec const& exec : every_exec())
      expect_reference(exec, {{GetParam(), 20, 5}, Activation::silu, Activation::tanh}, rows);
  }
};
INSTANTIATE_TEST_SUITE_P(, MlpTrainingOfWidth, testing::Values(40, 100, 190, 250));

TEST_P(MlpTrainingOfWidth, WidensFewRows) { expect_widening(130); }
TEST_P(MlpTrainingOfWidth, NarrowsFewRows) { expect_narrowing(130); }
// More tiles than the emulated device holds at once.
TEST_P(MlpTrainingOfWidth, WidensManyRows) { expect_widening(2100); }
TEST_P(MlpTrainingOfWidth, NarrowsManyRows) { expect_narrowing(2100); }

TEST(MlpTraining, HandlesAnyNumberOfRows) {
  for (Exec const& exec : every_exec())
    for (int rows : {1, 63, 64, 65, 128, 129, 300, 2500})
      expect_reference(exec, {{4, 64, 2}}, rows);
}

TEST(MlpTraining, AgreesWithPyTorch) {
  for (auto [name, kind] :
       {std::pair{"tanh", Activation::tanh}, std::pair{"relu", Activation::relu},
        std::pair{"elu", Activation::elu}, std::pair{"silu", Activation::silu}}) {
    Fixture const f(std::string("torch/mlp_") + name);
    MlpShape const shape{{5, 17, 33, 3}, kind};
    for (Exec const& exec : every_exec()) {
      auto const got = run(exec, shape, f.floats("parameters"), f.floats("x"), f.floats("dy"));
      double const tolerance = on_cpu(exec) ? 3e-6 : kind == Activation::relu ? 6e-2 : 2e-2;
      EXPECT_LT(relative_error(got.y, f.vector("y")), tolerance) << name;
      EXPECT_LT(relative_error(got.gradient, f.vector("d_parameters")), tolerance) << name;
      EXPECT_LT(relative_error(got.dx, f.vector("dx")), tolerance) << name;
    }
  }
}

TEST(MlpTraining, BitsDependOnNeitherThreadsNorTheNeedForDx) {
  MlpShape const shape{{17, 64, 64, 6}};
  auto const parameters = parameters_of(shape, 1), x = normals(std::size_t{17} * 3000, 2),
             dy = normals(std::size_t{6} * 3000, 3);
  ThreadPool pool(2);
  auto const one = run(Cpu{}, shape, parameters, x, dy),
             two = run(Cpu{&pool}, shape, parameters, x, dy);
  EXPECT_EQ(one.y, two.y);
  EXPECT_EQ(one.gradient, two.gradient);
  EXPECT_EQ(one.dx, two.dx);
  EXPECT_EQ(run(Cpu{}, shape, parameters, x, dy, false).gradient, one.gradient);
}

TEST(MlpTraining, RowsMayLieApart) {
  MlpShape const shape{{3, 20, 2}};
  auto const parameters = parameters_of(shape, 1), x = normals(std::size_t{3} * 40, 2),
             dy = normals(std::size_t{2} * 40, 3);
  auto const dense = run(Cpu{}, shape, parameters, x, dy);
  std::vector<float> x_wide(std::size_t{5} * 40), dy_wide(std::size_t{4} * 40),
      y(std::size_t{7} * 40), dx(std::size_t{6} * 40), gradient(parameters.size());
  for (std::size_t r = 0; r < 40; ++r) {
    for (std::size_t c = 0; c < 3; ++c) x_wide[r * 5 + c] = x[r * 3 + c];
    for (std::size_t c = 0; c < 2; ++c) dy_wide[r * 4 + c] = dy[r * 2 + c];
  }
  MlpTraining net(Cpu{}, shape, 40);
  net.forward(parameters, {x_wide.data(), 40, 3, 5}, {y.data(), 40, 2, 7});
  net.backward(parameters, {x_wide.data(), 40, 3, 5}, {dy_wide.data(), 40, 2, 4}, gradient,
               {dx.data(), 40, 3, 6});
  EXPECT_EQ(gradient, dense.gradient);
  for (std::size_t r = 0; r < 40; ++r) {
    EXPECT_EQ(y[r * 7 + 1], dense.y[r * 2 + 1]);
    EXPECT_EQ(dx[r * 6 + 2], dense.dx[r * 3 + 2]);
  }
}

TEST(MlpTraining, SaysWhatDoesNotFit) {
  MlpTraining net(Cpu{}, {{4, 8, 2}}, 10);
  std::vector<float> w(static_cast<std::size_t>(net.shape().parameters())), v(100), few(3);
  EXPECT_THROW(net.forward(w, {v.data(), 11, 4}, {v.data(), 11, 2}), ShapeError);
  EXPECT_THROW(net.forward(few, {v.data(), 10, 4}, {v.data(), 10, 2}), ShapeError);
  EXPECT_THROW(net.backward(w, {v.data(), 10, 4}, {v.data(), 10, 2}, few), ShapeError);
}

}  // namespace
}  // namespace loom
