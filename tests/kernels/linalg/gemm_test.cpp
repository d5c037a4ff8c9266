#include <Eigen/Dense>
#include <kernels/core/buffer.hpp>
#include <kernels/core/dynamic_library.hpp>
#include <kernels/core/graph.hpp>
#include <kernels/core/thread_pool.hpp>
#include <kernels/linalg/gemm.hpp>
#include <random>
#include <tests/device.hpp>

namespace loom {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Case {
  int m, n, k;
  Transpose a, b;
  Result result = Result::overwrite;
  bool bias = false;
  int padding = 0;  // of every stride
};

std::ostream& operator<<(std::ostream& out, Case const& c) {
  return out << c.m << " x " << c.n << " x " << c.k << (c.a == Transpose::yes ? ", a^T" : "")
             << (c.b == Transpose::yes ? ", b^T" : "") << (c.result == Result::add ? ", + c" : "")
             << (c.bias ? ", + bias" : "") << ", padding " << c.padding;
}

// Whole numbers: every product and sum is exact, so every machine and order must give the same.
struct Operands {
  int a_rows, a_cols, b_rows, b_cols;
  std::vector<float> a, b, c, bias;

  explicit Operands(Case const& s)
      : a_rows(s.a == Transpose::yes ? s.k : s.m),
        a_cols(s.a == Transpose::yes ? s.m : s.k),
        b_rows(s.b == Transpose::yes ? s.n : s.k),
        b_cols(s.b == Transpose::yes ? s.k : s.n) {
    std::mt19937 engine(11);
    auto const fill = [&](std::vector<float>& v, int rows, int cols) {
      v.resize(static_cast<std::size_t>(rows * (cols + s.padding)));
      for (float& x : v) x = static_cast<float>(static_cast<int>(engine() % 17) - 8);
    };
    fill(a, a_rows, a_cols);
    fill(b, b_rows, b_cols);
    fill(c, s.m, s.n);
    fill(bias, 1, s.n);
    bias.resize(static_cast<std::size_t>(s.n));
  }
};

Matrix matrix(std::vector<float> const& v, int rows, int cols, int padding) {
  Matrix m(rows, cols);
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < cols; ++c) m(r, c) = v[static_cast<std::size_t>(r * (cols + padding) + c)];
  return m;
}

std::vector<float> expected(Case const& s, Operands const& o) {
  Matrix const a = matrix(o.a, o.a_rows, o.a_cols, s.padding),
               b = matrix(o.b, o.b_rows, o.b_cols, s.padding);
  Matrix const left = s.a == Transpose::yes ? Matrix(a.transpose()) : a;
  Matrix const right = s.b == Transpose::yes ? Matrix(b.transpose()) : b;
  Matrix product = left * right;
  if (s.result == Result::add) product += matrix(o.c, s.m, s.n, s.padding);
  std::vector<float> c = o.c;  // padding must stay as it was
  for (int r = 0; r < s.m; ++r)
    for (int col = 0; col < s.n; ++col)
      c[static_cast<std::size_t>(r * (s.n + s.padding) + col)] = static_cast<float>(
          product(r, col) + (s.bias ? o.bias[static_cast<std::size_t>(col)] : 0.));
  return c;
}

template <class Gemm>
std::vector<float> computed(Exec const& exec, Case const& s, Operands const& o,
                            std::size_t workspace_bytes, Gemm const& product) {
  auto const a = uploaded(exec, o.a), b = uploaded(exec, o.b), bias = uploaded(exec, o.bias);
  auto c = uploaded(exec, o.c);
  Buffer<std::uint8_t> workspace(exec, workspace_bytes);
  GemmOptions const options{.a = s.a,
                            .b = s.b,
                            .result = s.result,
                            .bias = s.bias ? bias.in() : In<float>{},
                            .workspace = workspace.out()};
  product(InRows<float>(a.data(), o.a_rows, o.a_cols, o.a_cols + s.padding),
          InRows<float>(b.data(), o.b_rows, o.b_cols, o.b_cols + s.padding),
          OutRows<float>(c.data(), s.m, s.n, s.n + s.padding), options);
  synchronize(exec);
  return download(c);
}

std::vector<float> computed(Exec const& exec, Case const& s, Operands const& o) {
  return computed(exec, s, o, 1 << 20,
                  [&](auto const&... views) { visit(exec, [&](auto e) { gemm(e, views...); }); });
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (auto const& size : {std::array{1, 1, 1},
                           {1, 70, 33},
                           {3, 64, 65},
                           {6, 64, 16},
                           {13, 6, 20},
                           {65, 1, 64},
                           {100, 12, 70},
                           {97, 130, 40},
                           {250, 48, 17},
                           {33, 33, 600},
                           {5, 9, 0}})
    for (Transpose const a : {Transpose::no, Transpose::yes})
      for (Transpose const b : {Transpose::no, Transpose::yes})
        for (Result const result : {Result::overwrite, Result::add})
          for (bool const bias : {false, true})
            all.push_back(
                {size[0], size[1], size[2], a, b, result, bias, size[0] % 2 == 0 ? 3 : 0});
  return all;
}

TEST(Gemm, IsExactOnWholeNumbers) {
  for (Exec const& exec : every_exec())
    for (Case const& s : cases()) {
      Operands const o(s);
      ASSERT_EQ(computed(exec, s, o), expected(s, o)) << s;
    }
}

TEST(Gemm, GivesTheSameBitsForAnyNumberOfThreads) {
  ThreadPool pool(3);
  std::mt19937 engine(1);
  std::normal_distribution<float> normal;
  for (auto const& [m, n, k] :
       {std::array{1000, 70, 40}, {20, 700, 40}, {40, 70, 1000}, {3, 400, 300}, {3000, 6, 64}})
    for (Transpose const b : {Transpose::no, Transpose::yes}) {
      Case const s{m, n, k, Transpose::no, b};
      Operands o(s);
      for (float& x : o.a) x = normal(engine);
      for (float& x : o.b) x = normal(engine);
      auto const alone = computed(Cpu{}, s, o);
      EXPECT_EQ(computed(Cpu{&pool}, s, o), alone) << s;
      auto const reference = expected(s, o);
      // k roundings, 6e-8 each, of partial sums that reach 3 sqrt(k), adding up as
      // sqrt(k).
      for (std::size_t i = 0; i < alone.size(); ++i)
        ASSERT_NEAR(alone[i], reference[i], 5e-7 * k + 2e-6);
    }
}

TEST(Gemm, CanBeCaptured) {
  for (Exec const& exec : every_exec()) {
    Case const s{33, 70, 40, Transpose::no, Transpose::yes, Result::overwrite, true};
    Operands const o(s);
    auto const a = uploaded(exec, o.a), b = uploaded(exec, o.b), bias = uploaded(exec, o.bias);
    Buffer<float> c(exec, o.c.size());
    Buffer<std::uint8_t> workspace(exec, visit(exec, [](auto e) { return gemm_workspace(e); }));
    Graph graph(exec, [&](Exec const& inside) {
      visit(inside, [&](auto e) {
        gemm(e, InRows<float>(a.data(), 33, 40), InRows<float>(b.data(), 70, 40),
             OutRows<float>(c.data(), 33, 70),
             {.b = Transpose::yes, .bias = bias.in(), .workspace = workspace.out()});
      });
    });
    for (int i = 0; i < 3; ++i) {
      fill_zero(exec, c.out());
      graph.launch();
      synchronize(exec);
      EXPECT_EQ(download(c), expected(s, o));
    }
  }
}

TEST(Gemm, NamesTheSizesThatDoNotFit) {
  std::vector<float> x(100);
  InRows<float> const a(x.data(), 4, 5);
  EXPECT_THROW(gemm(Cpu{}, a, InRows<float>(x.data(), 4, 5), OutRows<float>(x.data() + 50, 4, 5)),
               ShapeError);
  EXPECT_THROW(gemm(Cpu{}, a, InRows<float>(x.data(), 5, 3), OutRows<float>(x.data() + 50, 4, 4)),
               ShapeError);
  EXPECT_THROW(gemm(Cpu{}, a, InRows<float>(x.data(), 5, 4), OutRows<float>(x.data() + 50, 4, 4),
                    {.bias = In<float>(x.data(), 3)}),
               ShapeError);
}

#if DREAMLOOM_WITH_CUDA
TEST(GemmTiled, IsExactOnWholeNumbers) {
  SKIP_WITHOUT_DEVICE();
  Gpu const gpu{};
  for (Case const& s : cases()) {
    Operands const o(s);
    ASSERT_EQ(computed(gpu, s, o, 0, [&](auto const&... views) { gemm_tiled(gpu, views...); }),
              expected(s, o))
        << s;
  }
}

TEST(Gemm, RoundsItsInputsToTf32OnlyWhenAsked) {
  SKIP_WITHOUT_DEVICE();
  // 1 + 2^-12 needs 13 bits; tf32 keeps 11.
  Exec const exec = Gpu{};
  auto const a = uploaded(exec, std::vector<float>(64 * 64, 1.F + 1.F / 4096.F));
  auto const b = uploaded(exec, std::vector<float>(64 * 64, 1.F));
  Buffer<float> c(exec, 64 * 64);
  for (Precision const precision : {Precision::fp32, Precision::tf32}) {
    gemm(Gpu{}, InRows<float>(a.data(), 64, 64), InRows<float>(b.data(), 64, 64),
         OutRows<float>(c.data(), 64, 64), {.precision = precision});
    float const got = download(c)[0];
    if (precision == Precision::fp32)
      EXPECT_EQ(got, 64.F + 64.F / 4096.F);
    else
      EXPECT_NEAR(got, 64.F, 64.F / 1024.F);
  }
}
#endif

TEST(DynamicLibrary, SaysInOneLineWhatIsMissing) {
  try {
    DynamicLibrary const library("example", "libdreamloom_no_such_file.so.1");
    FAIL() << "opened";
  } catch (IoError const& error) {
    std::string const text = error.what();
    EXPECT_EQ(text.rfind("example: libdreamloom_no_such_file.so.1", 0), 0U) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace loom
