#include <kernels/core/graph.hpp>
#include <kernels/core/thread_pool.hpp>
#include <learn/core/parameters.hpp>
#include <learn/core/tape.hpp>
#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

double distance(std::vector<float> const& got, std::vector<double> const& expected) {
  EXPECT_EQ(got.size(), expected.size());
  double error = 0, scale = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    error += std::pow(got[i] - expected[i], 2);
    scale += std::pow(expected[i], 2);
  }
  return std::sqrt(error / scale);
}

Out<float> all(OutRows<float> m) {
  return {m.data, static_cast<std::size_t>(m.rows) * static_cast<std::size_t>(m.cols)};
}

/// The network of tests/fixtures/torch/conv.bin.
struct Stack {
  static constexpr int kRows = 4;
  ConvEncoderShape encoder{15, 13, 3, {{8, 4, 2, 1}, {17, 3, 2, 0}}, {20}, Activation::relu};
  ConvShape decoder{5, 5, 3, 20, 5, 2, 0};
  Buffer<std::uint8_t> pixels;
  Buffer<float> dy;
  Parameters parameters;
  GradientTape tape;
  GradientTape::Value features, y;

  static std::vector<ParameterShape> shapes(ConvEncoderShape const& encoder) {
    auto all = conv_encoder_parameters("encoder", encoder);
    all.push_back({"decoder.weight", {20, 5, 5, 3}});
    all.push_back({"decoder.bias", {3}});
    return all;
  }

  Stack(Exec const& exec, Fixture const& f)
      : pixels(exec, kRows * 15 * 13 * 3),
        dy(uploaded(exec, f.floats("dy"))),
        parameters(exec, shapes(encoder)),
        tape(exec) {
    auto const ints = f.ints("pixels");
    upload<std::uint8_t>(exec, std::vector<std::uint8_t>(ints.begin(), ints.end()), pixels.out());
    upload<float>(exec, f.floats("parameters"), parameters.values());
    features = tape.encoder({InRows<std::uint8_t>(pixels.data(), kRows, encoder.inputs()), -0.5F},
                            encoder, parameters.values("encoder"), parameters.gradient("encoder"));
    y = tape.conv_transposed(features, decoder, Activation::silu, parameters.values("decoder"),
                             parameters.gradient("decoder"));
    tape.loss({y}, [this](Exec const& e, std::vector<OutRows<float>> const& d) {
      copy<float>(e, dy.in(), all(d[0]));
    });
  }
  std::vector<float> gradient() { return download(tape_exec(), In<float>(parameters.gradient())); }
  Exec const& tape_exec() const { return dy.exec(); }
};

TEST(ConvStack, AgreesWithPyTorchInDouble) {
  Fixture const f("torch/conv");
  for (Exec const& exec : every_exec()) {
    Stack s(exec, f);
    ASSERT_EQ(s.parameters.size(), f.shape("parameters")[0]);
    s.tape.forward();
    s.tape.backward();
    synchronize(exec);
    // 2e-6: four layers of sums of up to 128 products, 1e-7 sqrt(128) each at the worst.
    EXPECT_LT(
        distance(download(exec, In<float>(all(s.tape.value(s.features)))), f.vector("features")),
        2e-6);
    EXPECT_LT(distance(download(exec, In<float>(all(s.tape.value(s.y)))), f.vector("y")), 2e-6);
    EXPECT_LT(distance(s.gradient(), f.vector("d_parameters")), 5e-6);
  }
}

TEST(ConvStack, ReplaysInAGraphToTheSameBitsForAnyNumberOfThreads) {
  Fixture const f("torch/conv");
  ThreadPool pool(3);
  std::vector<float> alone;
  auto execs = every_exec();
  execs.emplace_back(Cpu{&pool});
  for (Exec const& exec : execs) {
    Stack s(exec, f);
    Graph graph(exec, [&](Exec const& inside) {
      s.tape.forward(inside);
      s.tape.backward(inside);
    });
    std::vector<float> first;
    for (int i = 0; i < 3; ++i) {
      fill_zero(exec, s.parameters.gradient());
      graph.launch();
      synchronize(exec);
      if (i == 0) first = s.gradient();
      EXPECT_EQ(s.gradient(), first);
    }
    if (!on_cpu(exec)) continue;
    if (alone.empty()) alone = first;
    EXPECT_EQ(first, alone);
  }
}

TEST(ConvEncoder, GivesTheTapesFeaturesWithoutKeepingAnything) {
  Fixture const f("torch/conv");
  for (Exec const& exec : every_exec()) {
    Stack s(exec, f);
    s.tape.forward();
    Buffer<float> y(exec, Stack::kRows * 20);
    Buffer<std::uint8_t> workspace(exec, conv_encoder_workspace(exec, s.encoder, Stack::kRows));
    conv_encoder(exec, s.encoder,
                 {InRows<std::uint8_t>(s.pixels.data(), Stack::kRows, s.encoder.inputs()), -0.5F},
                 In<float>(s.parameters.values("encoder")),
                 OutRows<float>(y.data(), Stack::kRows, 20), workspace.out());
    synchronize(exec);
    EXPECT_EQ(download(y), download(exec, In<float>(all(s.tape.value(s.features)))));
  }
}

TEST(ConvEncoder, NamesWhatDoesNotFit) {
  Exec const exec{Cpu{}};
  GradientTape tape(exec);
  Buffer<float> p(exec, 1000), d(exec, 1000);
  auto const x = tape.input(2, 36);
  ConvShape const s{6, 6, 1, 2, 3, 1, 0};
  EXPECT_THROW(tape.conv(x, s, Activation::relu, p.in().slice(0, 19), d.out().slice(0, 19)),
               ShapeError);
  EXPECT_THROW(tape.conv(x, s, Activation::relu, p.in().slice(0, 20), d.out().slice(0, 18)),
               ShapeError);
  EXPECT_THROW(tape.dense(x, 3, Activation::relu, p.in().slice(0, 10), d.out().slice(0, 10)),
               ShapeError);
  EXPECT_THROW((ConvEncoderShape{6, 6, 1, {}, {}, Activation::relu}).check("test"), ShapeError);
  EXPECT_THROW(
      (ConvEncoderShape{6, 6, 1, {{4, 4, 2}, {4, 4, 2}}, {}, Activation::relu}).check("test"),
      ShapeError);
}

TEST(InitialConvEncoder, HasOrthogonalFiltersOrTheDeviationOfFanInAndNoBias) {
  ConvEncoderShape const net{20, 20, 3, {{16, 4, 2}, {8, 3, 2}}, {30}, Activation::relu};
  for (Initial const initial : {Initial::orthogonal, Initial::fan_in}) {
    auto const p = initial_conv_encoder(net, initial, 1.5F, 7, 3);
    ASSERT_EQ(p.size(), static_cast<std::size_t>(net.parameters()));
    std::size_t at = 0;
    for (int l = 0; l < net.depth(); ++l) {
      int const out = net.layer_biases(l), in = net.layer_weights(l) / out;
      for (int a = 0; a < out; ++a)
        for (int b = 0; b <= a && initial == Initial::orthogonal && out <= in; ++b) {
          double dot = 0;
          for (int i = 0; i < in; ++i)
            dot += double(p[at + static_cast<std::size_t>(a * in + i)]) *
                   p[at + static_cast<std::size_t>(b * in + i)];
          EXPECT_NEAR(dot, a == b ? 2.25 : 0., 1e-5);  // rounding of the weights
        }
      double squares = 0;
      for (int i = 0; i < out * in; ++i)
        squares += std::pow(p[at + static_cast<std::size_t>(i)], 2);
      if (initial == Initial::fan_in) {  // of at least 768 draws: 5 standard errors
        EXPECT_NEAR(squares / out, 2.25, 2.25 * 5 * std::sqrt(0.8 / (out * in)));
      }
      at += static_cast<std::size_t>(out * in);
      for (int i = 0; i < out; ++i) EXPECT_EQ(p[at++], 0.F);
    }
  }
}

TEST(ConvEncoderParameters, AreNamedByLayer) {
  ConvEncoderShape const net{20, 20, 3, {{16, 4, 2}}, {30}, Activation::relu};
  auto const shapes = conv_encoder_parameters("encoder", net);
  ASSERT_EQ(shapes.size(), 4U);
  EXPECT_EQ(shapes[0].name, "encoder.0.weight");
  EXPECT_EQ(shapes[0].shape, (std::vector<std::size_t>{16, 4, 4, 3}));
  EXPECT_EQ(shapes[3].name, "encoder.1.bias");
  EXPECT_EQ(shapes[2].shape, (std::vector<std::size_t>{30, 9 * 9 * 16}));
}

}  // namespace
}  // namespace loom
