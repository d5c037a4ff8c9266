#include <kernels/nn/mlp.hpp>
#include <tests/device.hpp>
#include <tests/kernels/nn/mlp_reference.hpp>

namespace loom {
namespace {

// bf16 weights and activations: 2^-9 a product, activations near one.
double tolerance(Exec const& exec) { return on_cpu(exec) ? 2e-5 : 4e-2; }

std::vector<float> forward(Exec const& exec, MlpShape const& shape,
                           std::vector<float> const& parameters, std::vector<float> const& x) {
  int const rows = static_cast<int>(x.size()) / shape.inputs();
  auto const w = uploaded(exec, parameters), in = uploaded(exec, x);
  // Sixteen floats behind the last row must stay as they are.
  std::size_t const n = static_cast<std::size_t>(rows) * shape.outputs();
  auto out = uploaded(exec, std::vector<float>(n + 16, -7.F));
  PackedMlp net(exec, shape);
  net.pack(w.in());
  visit(exec, [&](auto e) {
    mlp_forward(e, net.view(), {in.data(), rows, shape.inputs()},
                {out.data(), rows, shape.outputs()});
  });
  auto y = download(out);
  for (std::size_t i = n; i < y.size(); ++i) EXPECT_EQ(y[i], -7.F) << "written past the last row";
  y.resize(n);
  return y;
}

void expect_reference(Exec const& exec, MlpShape const& shape, int rows) {
  auto const parameters = parameters_of(shape, 3);
  auto const x = normals(static_cast<std::size_t>(rows) * shape.inputs(), 5);
  auto const y = forward(exec, shape, parameters, x);
  auto const expected = mlp_reference(shape, parameters, x);
  double worst = 0;
  for (std::size_t i = 0; i < y.size(); ++i)
    worst = std::fmax(worst, std::fabs(y[i] - expected[i]));
  EXPECT_LT(worst, tolerance(exec))
      << shape.sizes.size() - 1 << " layers, first " << shape.sizes[1] << " wide, " << rows
      << " rows, " << (on_cpu(exec) ? "CPU" : "GPU");
}

TEST(Mlp, EqualsADoubleReferenceForEveryActivation) {
  for (Exec const& exec : every_exec())
    for (Activation a : {Activation::identity, Activation::tanh, Activation::relu, Activation::elu,
                         Activation::silu})
      expect_reference(exec, {{5, 40, 19, 3}, a, a == Activation::tanh ? a : Activation::identity},
                       70);
}

TEST(Mlp, EqualsADoubleReferenceForEveryWayALayerIsSpread) {
  for (Exec const& exec : every_exec()) {
    for (int width : {1, 7, 32, 33, 100, 190, 250, 256})
      expect_reference(exec, {{3, width, 29, width}}, 37);
    expect_reference(exec, {{17, 64, 64, 6}}, 130);
    expect_reference(exec, {{200, 2}}, 65);
    expect_reference(exec, {{4, 8, 40, 8, 40, 8, 40, 8, 2}, Activation::silu}, 20);
  }
}

TEST(Mlp, HandlesAnyNumberOfRows) {
  for (Exec const& exec : every_exec())
    for (int rows : {1, 15, 16, 17, 63, 64, 65}) expect_reference(exec, {{4, 64, 2}}, rows);
}

TEST(Mlp, ManyRowsTakeLargerTiles) {
  for (Exec const& exec : every_exec())
    for (int width : {1, 40, 100, 190, 250})
      expect_reference(exec, {{3, width, 20, width}}, 2048 + 75);
}

TEST(Mlp, ARowsBitsDoNotDependOnItsPlace) {
  MlpShape const shape{{17, 64, 64, 6}};
  auto const parameters = parameters_of(shape, 9);
  auto const x = normals(std::size_t{150} * 17, 2);
  for (Exec const& exec : every_exec()) {
    auto const all = forward(exec, shape, parameters, x);
    auto const shifted = forward(exec, shape, parameters, {x.begin() + 17, x.end()});
    EXPECT_EQ(shifted, std::vector<float>(all.begin() + 6, all.end()));
  }
}

TEST(Mlp, TheLastPackCounts) {
  MlpShape const shape{{4, 64, 3}};
  auto const x = normals(40, 2);
  for (Exec const& exec : every_exec()) {
    PackedMlp net(exec, shape);
    for (unsigned seed : {1U, 2U}) {
      auto const w = uploaded(exec, parameters_of(shape, seed)), in = uploaded(exec, x);
      net.pack(w.in());
      Buffer<float> out(exec, 30);
      visit(exec, [&](auto e) {
        mlp_forward(e, net.view(), {in.data(), 10, 4}, {out.data(), 10, 3});
      });
      EXPECT_EQ(download(out), forward(exec, shape, parameters_of(shape, seed), x));
    }
  }
}

TEST(Mlp, SaysWhichSizesDoNotFit) {
  EXPECT_THROW(PackedMlp(Cpu{}, {{4, 257, 2}}), ShapeError);
  EXPECT_THROW(PackedMlp(Cpu{}, {{4}}), ShapeError);
  PackedMlp net(Cpu{}, {{4, 8, 2}});
  std::vector<float> few(3);
  EXPECT_THROW(net.pack(few), ShapeError);
  EXPECT_THROW(mlp_forward(Cpu{}, net.view(), {nullptr, 3, 5}, {nullptr, 3, 2}), ShapeError);
}

}  // namespace
}  // namespace loom
