#include <Eigen/Dense>
#include <algorithm>
#include <kernels/nn/dense.hpp>
#include <kernels/nn/norm.hpp>

#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr Activation kAll[] = {Activation::identity, Activation::tanh, Activation::relu,
                               Activation::elu, Activation::silu};

double reference(Activation kind, double x) {
  switch (kind) {
    case Activation::tanh:
      return std::tanh(x);
    case Activation::relu:
      return std::max(x, 0.);
    case Activation::elu:
      return x > 0 ? x : std::expm1(x);
    case Activation::silu:
      return x / (1 + std::exp(-x));
    default:
      return x;
  }
}

struct Layer {
  int rows, inputs, outputs, padding;
  std::vector<float> x, weight, bias, dy;

  Layer(int r, int i, int o, int p) : rows(r), inputs(i), outputs(o), padding(p) {
    auto const numbers = [](int n, double std, unsigned seed) {
      return normal_numbers(static_cast<std::size_t>(n), 0, std, seed);
    };
    x = numbers(rows * (inputs + padding), 1, 1);
    weight = numbers(outputs * (inputs + padding), 1 / std::sqrt(inputs), 2);
    bias = numbers(outputs, 0.3, 3);
    dy = numbers(rows * (outputs + padding), 1, 4);
  }
};

Matrix matrix(std::vector<float> const& v, int rows, int cols, int padding) {
  Matrix m(rows, cols);
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < cols; ++c) m(r, c) = v[static_cast<std::size_t>(r * (cols + padding) + c)];
  return m;
}

struct Outcome {
  std::vector<float> y, dx, dweight, dbias;
  bool operator==(Outcome const&) const = default;
};

Outcome solved(Exec const& exec, Layer const& l, Activation activation) {
  auto const x = uploaded(exec, l.x), weight = uploaded(exec, l.weight),
             bias = uploaded(exec, l.bias), dy = uploaded(exec, l.dy);
  auto y = zeros<float>(exec, l.dy.size()), input = zeros<float>(exec, l.dy.size()),
       dz = zeros<float>(exec, l.dy.size()), dx = zeros<float>(exec, l.x.size()),
       dweight = zeros<float>(exec, l.weight.size());
  Buffer<float> dbias(exec, l.bias.size());
  auto const at = [&](auto& b, int rows, int cols) {
    return OutRows<float>(b.data(), rows, cols, cols + l.padding);
  };
  auto const in = [&](auto& b, int rows, int cols) {
    return InRows<float>(b.data(), rows, cols, cols + l.padding);
  };
  visit(exec, [&](auto e) {
    Buffer<std::uint8_t> workspace(exec, dense_workspace(e, l.rows, l.outputs));
    DenseOptions const options{.activation = activation, .workspace = workspace.out()};
    dense(e, in(x, l.rows, l.inputs), in(weight, l.outputs, l.inputs), bias.in(),
          at(y, l.rows, l.outputs), at(input, l.rows, l.outputs), options);
    auto& kept = activation == Activation::silu ? input : y;
    dense_backward(e, in(x, l.rows, l.inputs), in(weight, l.outputs, l.inputs),
                   in(kept, l.rows, l.outputs), in(dy, l.rows, l.outputs),
                   at(dz, l.rows, l.outputs),
                   {.dx = at(dx, l.rows, l.inputs),
                    .dweight = at(dweight, l.outputs, l.inputs),
                    .dbias = dbias.out()},
                   options);
    synchronize(exec);
  });
  return {download(y), download(dx), download(dweight), download(dbias)};
}

void expect_near(std::vector<float> const& got, Matrix const& expected, int padding,
                 double tolerance, std::string const& what) {
  Matrix const found =
      matrix(got, static_cast<int>(expected.rows()), static_cast<int>(expected.cols()), padding);
  EXPECT_LT((found - expected).norm(), tolerance * expected.norm()) << what;
}

TEST(Dense, AgreesWithDoubleAndItsDifferences) {
  for (Activation const activation : kAll) {
    Layer const l(37, 19, 23, activation == Activation::tanh ? 5 : 0);
    Matrix const x = matrix(l.x, l.rows, l.inputs, l.padding),
                 w = matrix(l.weight, l.outputs, l.inputs, l.padding),
                 dy = matrix(l.dy, l.rows, l.outputs, l.padding);
    Matrix const b = matrix(l.bias, 1, l.outputs, 0);
    Matrix const z = (x * w.transpose()).rowwise() + b.row(0);
    Matrix const y = z.unaryExpr([&](double v) { return reference(activation, v); });
    Matrix const slope = z.unaryExpr([&](double v) {
      return central_difference([&](double u) { return reference(activation, u); }, v);
    });
    Matrix const dz = dy.cwiseProduct(slope);
    for (Exec const& exec : every_machine()) {
      Outcome const got = solved(exec, l, activation);
      std::string const name = "activation " + std::to_string(static_cast<int>(activation));
      // 2e-6 in norm: a few roundings, and the differences' own error of 1e-10.
      expect_near(got.y, y, l.padding, 2e-6, name + " y");
      expect_near(got.dx, dz * w, l.padding, 2e-6, name + " dx");
      expect_near(got.dweight, dz.transpose() * x, l.padding, 2e-6, name + " dweight");
      expect_near(got.dbias, dz.colwise().sum(), 0, 2e-6, name + " dbias");
    }
  }
}

TEST(Dense, GivesTheSameBitsForAnyNumberOfThreads) {
  ThreadPool pool(3);
  Layer const l(500, 33, 70, 0);
  for (Activation const activation : {Activation::tanh, Activation::silu})
    EXPECT_EQ(solved(Cpu{&pool}, l, activation), solved(Cpu{}, l, activation));
}

// y = silu(norm(W x + b)), the block that Dreamer's networks are made of, against PyTorch in
// double.
TEST(Dense, ComposesWithNormAsPyTorchDoes) {
  for (auto const& [kind, name] : {std::pair{Norm::layer, "torch/dense_layer_norm_silu"},
                                   {Norm::rms, "torch/dense_rms_norm_silu"}}) {
    Fixture const f(name);
    int const rows = 37, inputs = 5, outputs = 33;
    for (Exec const& exec : every_machine()) {
      auto const x = uploaded(exec, f.floats("x")), w = uploaded(exec, f.floats("w")),
                 b = uploaded(exec, f.floats("b")), gain = uploaded(exec, f.floats("gain")),
                 dy = uploaded(exec, f.floats("dy"));
      auto const bias =
          uploaded(exec, kind == Norm::layer ? f.floats("bias") : std::vector<float>{});
      std::size_t const size = std::size_t{rows} * outputs;
      Buffer<float> z(exec, size), n(exec, size), y(exec, size), d(exec, size),
          dx(exec, std::size_t{rows} * inputs), dw(exec, w.size()), db(exec, b.size()),
          dgain(exec, gain.size()), dbias(exec, bias.size()), statistics(exec, 2 * rows);
      auto const at = [&](Buffer<float>& buffer) {
        return OutRows<float>(buffer.data(), rows, outputs);
      };
      InRows<float> const x_rows(x.data(), rows, inputs), w_rows(w.data(), outputs, inputs);
      visit(exec, [&](auto e) {
        Buffer<std::uint8_t> space(exec, dense_workspace(e, rows, outputs)),
            norm_space(exec, norm_workspace(rows, outputs));
        DenseOptions const options{.workspace = space.out()};
        dense(e, x_rows, w_rows, b.in(), at(z), {}, options);
        norm(e, kind, static_cast<float>(f.scalar("epsilon")), at(z), gain.in(), bias.in(), at(n),
             statistics.out());
        apply_activation(e, Activation::silu, at(n), at(y));
        apply_activation_gradient(e, Activation::silu, at(n),
                                  InRows<float>(dy.data(), rows, outputs), at(d));
        norm_backward(e, kind, at(z), gain.in(), statistics.in(), at(d), at(d), dgain.out(),
                      dbias.out(), norm_space.out());
        dense_backward(e, x_rows, w_rows, {}, at(d), at(d),
                       {.dx = OutRows<float>(dx.data(), rows, inputs),
                        .dweight = OutRows<float>(dw.data(), outputs, inputs),
                        .dbias = db.out()},
                       options);
        synchronize(exec);
      });
      auto const check = [&](Buffer<float> const& got, char const* what) {
        auto const expected = f.vector(what);
        double error = 0, scale = 0;
        auto const found = download(got);
        for (std::size_t i = 0; i < found.size(); ++i) {
          error += std::pow(found[i] - expected[i], 2);
          scale += std::pow(expected[i], 2);
        }
        EXPECT_LT(std::sqrt(error / scale), 5e-6) << name << " " << what;  // a dozen roundings deep
      };
      check(y, "y");
      check(dx, "dx");
      check(dw, "dw");
      check(dgain, "dgain");
      if (kind == Norm::layer) check(dbias, "dbias");
      // In front of a layer norm the bias's gradient is small: its error is measured against dw's
      // terms.
      auto const expected = f.vector("db");
      auto const found = download(db);
      for (std::size_t i = 0; i < found.size(); ++i)
        EXPECT_NEAR(found[i], expected[i], 5e-5) << name << " db";
    }
  }
}

}  // namespace
}  // namespace loom
