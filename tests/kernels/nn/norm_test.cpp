#include <algorithm>
#include <kernels/nn/norm.hpp>

#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

struct Outcome {
  std::vector<float> y, dx, dgain, dbias;
  bool operator==(Outcome const&) const = default;
};

struct Problem {
  Norm kind;
  float epsilon;
  int rows, n, stride;
  std::vector<float> x, dy, gain, bias;  // no bias for rms
};

Outcome solved(Exec const& exec, Problem const& p) {
  auto const x = uploaded(exec, p.x), dy = uploaded(exec, p.dy), gain = uploaded(exec, p.gain),
             bias = uploaded(exec, p.bias);
  auto y = zeros<float>(exec, p.x.size()), dx = zeros<float>(exec, p.x.size());
  Buffer<float> dgain(exec, p.gain.size()), dbias(exec, p.bias.size());
  Buffer<float> statistics(exec, 2 * static_cast<std::size_t>(p.rows));
  Buffer<std::uint8_t> workspace(exec, norm_workspace(p.rows, p.n));
  auto const view = [&](auto& buffer) {
    return OutRows<float>(buffer.data(), p.rows, p.n, p.stride);
  };
  auto const read = [&](auto const& buffer) {
    return InRows<float>(buffer.data(), p.rows, p.n, p.stride);
  };
  visit(exec, [&](auto e) {
    norm(e, p.kind, p.epsilon, read(x), gain.in(), bias.in(), view(y), statistics.out());
    norm_backward(e, p.kind, read(x), gain.in(), statistics.in(), read(dy), view(dx), dgain.out(),
                  dbias.out(), workspace.out());
  });
  return {download(y), download(dx), download(dgain), download(dbias)};
}

void expect_near(std::vector<float> const& got, std::vector<double> const& expected,
                 double tolerance, char const* what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  double scale = 0;
  for (double e : expected) scale = std::max(scale, std::abs(e));
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], expected[i], tolerance * scale) << what << "[" << i << "]";
}

TEST(Norm, AgreesWithPyTorch) {
  for (auto const& [kind, name] :
       {std::pair{Norm::layer, "torch/layer_norm"}, {Norm::rms, "torch/rms_norm"}}) {
    Fixture const f(name);
    bool const layered = kind == Norm::layer;
    Problem const p{kind,
                    static_cast<float>(f.scalar("epsilon")),
                    37,
                    33,
                    33,
                    f.floats("x"),
                    f.floats("dy"),
                    f.floats("gain"),
                    layered ? f.floats("bias") : std::vector<float>{}};
    for (Exec const& exec : every_machine()) {
      Outcome const got = solved(exec, p);
      // 1e-5: row 1 lies 50 deviations from zero, where x itself carries 4e-6 of a deviation.
      expect_near(got.y, f.vector("y"), 1e-5, "y");
      expect_near(got.dx, f.vector("dx"), 1e-5, "dx");
      expect_near(got.dgain, f.vector("dgain"), 1e-5, "dgain");
      if (layered) expect_near(got.dbias, f.vector("dbias"), 1e-6, "dbias");
    }
  }
}

// A lane a row: the channels of pixels.
TEST(Norm, OfNarrowRowsIsDoublesFormula) {
  for (int const n : {1, 3, 8, 32}) {
    int const rows = 45, stride = n + 3;
    auto const size = static_cast<std::size_t>(rows * stride), width = static_cast<std::size_t>(n);
    Problem const p{Norm::rms,
                    1e-4F,
                    rows,
                    n,
                    stride,
                    normal_numbers(size, 0.5, 1, 1),
                    normal_numbers(size, 0, 1, 2),
                    normal_numbers(width, 1, 0.3, 3),
                    {}};
    std::vector<double> y(size), dx(size), dgain(width);
    for (int r = 0; r < rows; ++r) {
      auto const at = [&](std::vector<float> const& v, int c) {
        return double{v[static_cast<std::size_t>(r * stride + c)]};
      };
      auto const gain = [&](int c) { return double{p.gain[static_cast<std::size_t>(c)]}; };
      double squares = 0, along = 0;
      for (int c = 0; c < n; ++c) squares += at(p.x, c) * at(p.x, c) / n;
      double const deviation = std::sqrt(squares + double{p.epsilon});
      for (int c = 0; c < n; ++c) along += at(p.dy, c) * gain(c) * at(p.x, c) / n;
      for (int c = 0; c < n; ++c) {
        auto const i = static_cast<std::size_t>(r * stride + c);
        y[i] = at(p.x, c) / deviation * gain(c);
        dx[i] = at(p.dy, c) * gain(c) / deviation - at(p.x, c) * along / std::pow(deviation, 3);
        dgain[static_cast<std::size_t>(c)] += at(p.dy, c) * at(p.x, c) / deviation;
      }
    }
    for (Exec const& exec : every_machine()) {
      Outcome const got = solved(exec, p);
      expect_near(got.y, y, 1e-6, "y");
      expect_near(got.dx, dx, 2e-6, "dx");
      expect_near(got.dgain, dgain, 2e-6, "dgain");
    }
  }
}

TEST(Norm, GivesTheSameBitsOnEveryMachineAndForAnyStride) {
  ThreadPool pool(3);
  for (Norm const kind : {Norm::layer, Norm::rms})
    for (int const n : {1, 16, 40, 300}) {
      int const rows = 70, stride = n + 5;
      auto const size = static_cast<std::size_t>(rows * stride),
                 width = static_cast<std::size_t>(n);
      Problem const p{kind,
                      1e-5F,
                      rows,
                      n,
                      stride,
                      normal_numbers(size, 1, 2, 1),
                      normal_numbers(size, 0, 1, 2),
                      normal_numbers(width, 1, 0.3, 3),
                      normal_numbers(width, 0, 0.3, 4)};
      Outcome const expected = solved(Cpu{}, p);
      EXPECT_EQ(solved(Cpu{&pool}, p), expected);
      for (Exec const& exec : every_machine()) EXPECT_EQ(solved(exec, p), expected) << n;
    }
}

TEST(Norm, NamesTheSizesThatDoNotFit) {
  std::vector<float> x(12), gain(3), statistics(8);
  InRows<float> const view(x.data(), 3, 4);
  OutRows<float> const y(x.data(), 3, 4);
  EXPECT_THROW(
      norm(Cpu{}, Norm::layer, 1e-5F, view, gain, In<float>{}, y, Out<float>(statistics.data(), 6)),
      ShapeError);
  EXPECT_THROW(
      norm(Cpu{}, Norm::layer, 1e-5F, view, In<float>(x.data(), 4), In<float>{}, y, statistics),
      ShapeError);
}

}  // namespace
}  // namespace loom
