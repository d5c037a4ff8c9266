#include <kernels/core/buffer.hpp>
#include <kernels/core/graph.hpp>
#include <kernels/core/thread_pool.hpp>
#include <kernels/linalg/conv.hpp>
#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>
#if DREAMLOOM_WITH_CUDA
#include <kernels/linalg/cudnn_cuda.hpp>
#endif

namespace loom {
namespace {

using Doubles = std::vector<double>;

std::string name(ConvShape const& s) {
  std::ostringstream text;
  text << s.height << " x " << s.width << " x " << s.channels << " -> " << s.filters << ", kernel "
       << s.kernel << ", stride " << s.stride << ", padding " << s.padding;
  return text.str();
}

/// A shape, its operands and everything that should come out, by loops in double.
struct Case {
  ConvShape s;
  int rows;
  Activation activation;
  std::vector<float> x, weight, bias, dy;  // of the convolution
  std::vector<float> tx, tbias, tdy;       // of its transpose
  Doubles y, dx, dweight, dbias, ty, tdx, tdweight, tdbias;

  Case(ConvShape shape, int rows_, Activation activation_)
      : s(shape), rows(rows_), activation(activation_) {
    auto const numbers = [](int n, double std, unsigned seed) {
      return normal_numbers(static_cast<std::size_t>(n), 0, std, seed);
    };
    x = numbers(rows * s.inputs(), 1, 1);
    weight = numbers(s.weights(), 1 / std::sqrt(s.patch()), 2);
    bias = numbers(s.filters, 0.3, 3);
    dy = numbers(rows * s.outputs(), 1, 4);
    tx = numbers(rows * s.outputs(), 1, 5);
    tbias = numbers(s.channels, 0.3, 6);
    tdy = numbers(rows * s.inputs(), 1, 7);
    convolve();
    convolve_transposed();
  }

  std::size_t large() const { return static_cast<std::size_t>(rows * s.inputs()); }
  std::size_t small() const { return static_cast<std::size_t>(rows * s.outputs()); }

  /// f(element of the large image, of the small one, of the weights) over all products.
  template <class F>
  void each_product(F const& f) const {
    for (int n = 0; n < rows; ++n)
      for (int oy = 0; oy < s.out_height(); ++oy)
        for (int ox = 0; ox < s.out_width(); ++ox)
          for (int ky = 0; ky < s.kernel; ++ky)
            for (int kx = 0; kx < s.kernel; ++kx) {
              int const iy = oy * s.stride - s.padding + ky, ix = ox * s.stride - s.padding + kx;
              if (iy < 0 || iy >= s.height || ix < 0 || ix >= s.width) continue;
              for (int c = 0; c < s.channels; ++c)
                for (int o = 0; o < s.filters; ++o)
                  f(static_cast<std::size_t>(((n * s.height + iy) * s.width + ix) * s.channels + c),
                    static_cast<std::size_t>(
                        ((n * s.out_height() + oy) * s.out_width() + ox) * s.filters + o),
                    static_cast<std::size_t>(((o * s.kernel + ky) * s.kernel + kx) * s.channels +
                                             c));
            }
  }

  double activated(double z) const {
    return activation == Activation::relu   ? std::max(z, 0.)
           : activation == Activation::silu ? z / (1 + std::exp(-z))
                                            : z;
  }
  double slope(double z) const {
    double const sigmoid = 1 / (1 + std::exp(-z));
    return activation == Activation::relu   ? (z > 0 ? 1. : 0.)
           : activation == Activation::silu ? sigmoid * (1 + z * (1 - sigmoid))
                                            : 1.;
  }
  /// A ReLU's sum near its kink may fall on either side in float: such gradients are set to zero.
  void keep_clear(Doubles const& z, std::vector<float>& d) const {
    for (std::size_t i = 0; i < z.size(); ++i)
      if (activation == Activation::relu && std::abs(z[i]) < 1e-5) d[i] = 0.F;
  }

  void convolve() {
    Doubles z(small()), dz(small());
    for (std::size_t i = 0; i < z.size(); ++i) z[i] = bias[i % bias.size()];
    each_product(
        [&](std::size_t l, std::size_t m, std::size_t w) { z[m] += double(x[l]) * weight[w]; });
    keep_clear(z, dy);
    for (std::size_t i = 0; i < z.size(); ++i) dz[i] = dy[i] * slope(z[i]);
    for (double const v : z) y.push_back(activated(v));
    dx.resize(large()), dweight.resize(weight.size()), dbias.resize(bias.size());
    for (std::size_t i = 0; i < z.size(); ++i) dbias[i % bias.size()] += dz[i];
    each_product([&](std::size_t l, std::size_t m, std::size_t w) {
      dx[l] += dz[m] * weight[w];
      dweight[w] += dz[m] * x[l];
    });
  }
  void convolve_transposed() {
    Doubles z(large()), dz(large());
    for (std::size_t i = 0; i < z.size(); ++i) z[i] = tbias[i % tbias.size()];
    each_product(
        [&](std::size_t l, std::size_t m, std::size_t w) { z[l] += double(tx[m]) * weight[w]; });
    keep_clear(z, tdy);
    for (std::size_t i = 0; i < z.size(); ++i) dz[i] = tdy[i] * slope(z[i]);
    for (double const v : z) ty.push_back(activated(v));
    tdx.resize(small()), tdweight.resize(weight.size()), tdbias.resize(tbias.size());
    for (std::size_t i = 0; i < z.size(); ++i) tdbias[i % tbias.size()] += dz[i];
    each_product([&](std::size_t l, std::size_t m, std::size_t w) {
      tdx[m] += dz[l] * weight[w];
      tdweight[w] += dz[l] * tx[m];
    });
  }
};

struct Outcome {
  std::vector<float> y, dx, dweight, dbias, ty, tdx, tdweight, tdbias;
  bool operator==(Outcome const&) const = default;
};

Outcome solved(Exec const& exec, Case const& c) {
  auto const x = uploaded(exec, c.x), weight = uploaded(exec, c.weight),
             bias = uploaded(exec, c.bias), dy = uploaded(exec, c.dy), tx = uploaded(exec, c.tx),
             tbias = uploaded(exec, c.tbias), tdy = uploaded(exec, c.tdy);
  Buffer<float> y(exec, c.small()), input(exec, c.small()), dz(exec, c.small()),
      dx(exec, c.large()), dweight(exec, c.weight.size()), dbias(exec, c.bias.size()),
      ty(exec, c.large()), tinput(exec, c.large()), tdz(exec, c.large()), tdx(exec, c.small()),
      tdweight(exec, c.weight.size()), tdbias(exec, c.tbias.size());
  auto const in = [&](Buffer<float> const& b, int cols) {
    return InRows<float>(b.data(), c.rows, cols);
  };
  auto const out = [&](Buffer<float>& b, int cols) {
    return OutRows<float>(b.data(), c.rows, cols);
  };
  int const large = c.s.inputs(), small = c.s.outputs();
  visit(exec, [&](auto e) {
    Buffer<std::uint8_t> workspace(exec, conv_workspace(e, c.s, c.rows));
    ConvOptions const options{.activation = c.activation, .workspace = workspace.out()};
    bool const silu = c.activation == Activation::silu;
    auto const none = OutRows<float>();
    conv(e, c.s, in(x, large), weight.in(), bias.in(), out(y, small),
         silu ? out(input, small) : none, options);
    conv_backward(e, c.s, in(x, large), weight.in(), in(silu ? input : y, small), in(dy, small),
                  out(dz, small),
                  {.dx = out(dx, large), .dweight = dweight.out(), .dbias = dbias.out()}, options);
    conv_transposed(e, c.s, in(tx, small), weight.in(), tbias.in(), out(ty, large),
                    silu ? out(tinput, large) : none, options);
    conv_transposed_backward(
        e, c.s, in(tx, small), weight.in(), in(silu ? tinput : ty, large), in(tdy, large),
        out(tdz, large), {.dx = out(tdx, small), .dweight = tdweight.out(), .dbias = tdbias.out()},
        options);
    synchronize(exec);
  });
  return {download(y),  download(dx),  download(dweight),  download(dbias),
          download(ty), download(tdx), download(tdweight), download(tdbias)};
}

/// |got - expected| < tolerance * (|expected| + floor), norm-wise.
void expect_near(std::vector<float> const& got, Doubles const& expected, double tolerance,
                 double floor, std::string const& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  double error = 0, scale = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    error += std::pow(got[i] - expected[i], 2);
    scale += std::pow(expected[i], 2);
  }
  EXPECT_LE(std::sqrt(error), tolerance * (std::sqrt(scale) + floor)) << what;
}

void expect_near(Outcome const& got, Case const& c, std::string const& what) {
  // n products added one after another in float err by about 3e-8 sqrt(n) of their norm; the longest
  // sums here have 2400. Sums of gradients of either sign may cancel: their error is measured against
  // sqrt(terms).
  double const tolerance = 2e-6, terms = std::sqrt(static_cast<double>(c.rows) * c.s.out_pixels()),
               tterms = std::sqrt(static_cast<double>(c.rows) * c.s.height * c.s.width);
  expect_near(got.y, c.y, tolerance, 0, what + " y");
  expect_near(got.dx, c.dx, tolerance, 0, what + " dx");
  expect_near(got.dweight, c.dweight, tolerance, terms, what + " dweight");
  expect_near(got.dbias, c.dbias, tolerance, terms, what + " dbias");
  expect_near(got.ty, c.ty, tolerance, 0, what + " transposed y");
  expect_near(got.tdx, c.tdx, tolerance, 0, what + " transposed dx");
  expect_near(got.tdweight, c.tdweight, tolerance, terms, what + " transposed dweight");
  expect_near(got.tdbias, c.tdbias, tolerance, tterms, what + " transposed dbias");
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (auto const& [shape, rows, activation] :
       {std::tuple{ConvShape{7, 5, 1, 1, 1, 1, 0}, 1, Activation::identity},
        {ConvShape{9, 11, 3, 16, 3, 1, 1}, 65, Activation::relu},
        {ConvShape{13, 10, 3, 33, 4, 2, 1}, 5, Activation::silu},
        {ConvShape{20, 17, 4, 16, 8, 4, 0}, 3, Activation::relu},
        {ConvShape{6, 6, 33, 16, 4, 2, 0}, 65, Activation::silu},
        {ConvShape{5, 6, 16, 33, 3, 2, 2}, 7, Activation::identity},
        {ConvShape{8, 8, 16, 70, 1, 2, 0}, 4, Activation::relu},
        {ConvShape{4, 4, 150, 20, 4, 1, 0}, 9, Activation::relu},   // one pixel, two depth blocks
        {ConvShape{6, 6, 128, 128, 4, 2, 0}, 3, Activation::relu},  // fewer slabs than threads
        {ConvShape{10, 9, 2, 3, 3, 5, 1}, 2, Activation::silu}})    // a stride beyond the kernel
    all.emplace_back(shape, rows, activation);
  return all;
}

std::string name(Case const& c) { return std::to_string(c.rows) + " of " + name(c.s); }

TEST(Conv, AgreesWithLoopsInDouble) {
  for (Case const& c : cases())
    for (Exec const& exec : every_exec())
      expect_near(solved(exec, c), c, name(c) + (on_cpu(exec) ? ", CPU" : ", device"));
}

TEST(Conv, GivesTheSameBitsForAnyNumberOfThreads) {
  ThreadPool two(2), seven(7);
  for (Case const& c : cases()) {
    Outcome const alone = solved(Cpu{}, c);
    EXPECT_TRUE(solved(Cpu{&two}, c) == alone) << name(c);
    EXPECT_TRUE(solved(Cpu{&seven}, c) == alone) << name(c);
  }
}

#if DREAMLOOM_WITH_CUDA
TEST(Conv, NeedsNoLibrary) {
  SKIP_WITHOUT_DEVICE();
  cudnn::Hidden const hidden;
  for (Case const& c : cases()) expect_near(solved(Gpu{}, c), c, name(c) + ", columns");
}
#endif

TEST(Conv, ReadsBytesAsFractionsOf255) {
  ConvShape const s{9, 8, 3, 5, 3, 2, 1};
  int const rows = 6;
  Case c(s, rows, Activation::relu);
  std::vector<std::uint8_t> bytes(c.large());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 7919 % 256);
    c.x[i] = static_cast<float>(bytes[i] / 255. - 0.5);
  }
  for (Exec const& exec : every_exec()) {
    auto const x = uploaded(exec, c.x), weight = uploaded(exec, c.weight),
               bias = uploaded(exec, c.bias), dy = uploaded(exec, c.dy);
    auto const pixels = uploaded(exec, bytes);
    std::vector<std::vector<float>> both[2];
    visit(exec, [&](auto e) {
      Buffer<std::uint8_t> workspace(exec, conv_workspace(e, s, rows));
      ConvOptions const options{.activation = c.activation, .workspace = workspace.out()};
      for (ConvInput const& input :
           {ConvInput(InRows<float>(x.data(), rows, s.inputs())),
            ConvInput(InRows<std::uint8_t>(pixels.data(), rows, s.inputs()), -0.5F)}) {
        Buffer<float> y(exec, c.small()), dz(exec, c.small()), dweight(exec, c.weight.size());
        OutRows<float> const ys(y.data(), rows, s.outputs());
        conv(e, s, input, weight.in(), bias.in(), ys, {}, options);
        conv_backward(e, s, input, weight.in(), ys, InRows<float>(dy.data(), rows, s.outputs()),
                      OutRows<float>(dz.data(), rows, s.outputs()), {.dweight = dweight.out()},
                      options);
        synchronize(exec);
        both[input.bytes.data != nullptr] = {download(y), download(dweight)};
      }
    });
    for (std::size_t i = 0; i < 2; ++i)
      expect_near(both[1][i], Doubles(both[0][i].begin(), both[0][i].end()), 1e-6, 0,
                  i == 0 ? "y" : "dweight");  // 1 / 255 and the offset round once each
  }
}

TEST(Conv, CanBeCapturedAndReplaysToTheSameBits) {
  Case const c(ConvShape{9, 11, 3, 16, 4, 2, 1}, 5, Activation::relu);
  for (Exec const& exec : every_exec()) {
    auto const x = uploaded(exec, c.x), weight = uploaded(exec, c.weight),
               bias = uploaded(exec, c.bias);
    Buffer<float> y(exec, c.small()), dweight(exec, c.weight.size()), dz(exec, c.small());
    Buffer<std::uint8_t> workspace(
        exec, visit(exec, [&](auto e) { return conv_workspace(e, c.s, c.rows); }));
    Graph graph(exec, [&](Exec const& inside) {
      visit(inside, [&](auto e) {
        ConvOptions const options{.activation = c.activation, .workspace = workspace.out()};
        InRows<float> const xs(x.data(), c.rows, c.s.inputs());
        OutRows<float> const ys(y.data(), c.rows, c.s.outputs());
        conv(e, c.s, xs, weight.in(), bias.in(), ys, {}, options);
        conv_backward(e, c.s, xs, weight.in(), ys, ys,
                      OutRows<float>(dz.data(), c.rows, c.s.outputs()), {.dweight = dweight.out()},
                      options);
      });
    });
    std::vector<float> first;
    for (int i = 0; i < 3; ++i) {
      fill_zero(exec, y.out());
      graph.launch();
      synchronize(exec);
      expect_near(download(y), c.y, 1e-6, 0, "y");
      if (i == 0) first = download(dweight);
      EXPECT_EQ(download(dweight), first);
    }
  }
}

TEST(Conv, NamesWhatDoesNotFit) {
  std::vector<float> x(1000);
  std::vector<std::uint8_t> space(1 << 20);
  ConvShape const s{6, 6, 3, 4, 3, 1, 0};
  InRows<float> const image(x.data(), 1, s.inputs());
  OutRows<float> const y(x.data() + 500, 1, s.outputs());
  In<float> const weight(x.data(), static_cast<std::size_t>(s.weights()));
  ConvOptions const options{.workspace = space};
  EXPECT_THROW(conv(Cpu{}, s, image, weight, {}, OutRows<float>(x.data(), 1, 5), {}, options),
               ShapeError);
  EXPECT_THROW(conv(Cpu{}, s, image, weight.slice(0, 10), {}, y, {}, options), ShapeError);
  EXPECT_THROW(conv(Cpu{}, s, image, weight, weight.slice(0, 3), y, {}, options), ShapeError);
  EXPECT_THROW(conv(Cpu{}, s, image, weight, {}, y, {}, {}), ShapeError);  // no workspace
  for (ConvShape const& bad :
       {ConvShape{2, 2, 3, 4, 3, 1, 0}, ConvShape{6, 6, 3, 4, 3, 1, 3},
        ConvShape{6, 6, 0, 4, 3, 1, 0}, ConvShape{5000, 5000, 3, 4, 3, 1, 0}})
    EXPECT_THROW(conv_workspace(Cpu{}, bad, 1), ShapeError) << name(bad);
}

}  // namespace
}  // namespace loom
