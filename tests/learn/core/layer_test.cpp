#include <gtest/gtest.h>

#include <cmath>
#include <kernels/core/thread_pool.hpp>
#include <learn/core/layer.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

/// A layer of two inputs with its parameters.
struct Example {
  LayerShape shape{{8, 3}, 12, Norm::layer, Activation::silu};
  int rows = 5, steps = 3;
  Parameters parameters;
  Layer layer;

  explicit Example(Exec const& exec)
      : parameters(exec, (shape.blocks = 4, layer_parameters("layer", shape))),
        layer(exec, shape, rows, steps, parameters, "layer") {
    auto values = initial_layer(shape, 1.F, 3, 0);
    // Biases, gains and shifts that are not 0 and 1.
    for (std::size_t i = values.size() - 36; i < values.size(); ++i)
      values[i] += 0.1F * static_cast<float>(i % 7);
    upload<float>(exec, values, parameters.values());
  }
};

std::vector<float> waves(std::size_t n, float frequency) {
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = std::sin(frequency * static_cast<float>(i + 1));
  return x;
}

/// sum over all steps of y dy, forward only.
double objective(Exec const& exec, Example& e, std::vector<float> const& x,
                 std::vector<float> const& v, std::vector<float> const& dy) {
  auto const a = uploaded(exec, x), b = uploaded(exec, v);
  Buffer<float> y(exec, static_cast<std::size_t>(e.rows * 12));
  double sum = 0;
  for (int t = 0; t < e.steps; ++t) {
    e.layer.forward(
        exec, t, {{a.data() + t * e.rows * 8, e.rows, 8}, {b.data() + t * e.rows * 3, e.rows, 3}},
        {y.data(), e.rows, 12});
    auto const got = download(y);
    for (std::size_t i = 0; i < got.size(); ++i)
      sum += double{got[i]} * double{dy[static_cast<std::size_t>(t) * got.size() + i]};
  }
  return sum;
}

TEST(Layer, StepsOfASequenceShareOneGradient) {
  for (Exec const& exec : every_exec()) {
    Example e(exec);
    int const all = e.rows * e.steps;
    auto const x = waves(static_cast<std::size_t>(all * 8), 0.7F),
               v = waves(static_cast<std::size_t>(all * 3), 1.3F),
               dy = waves(static_cast<std::size_t>(all * 12), 2.1F);
    auto const a = uploaded(exec, x), b = uploaded(exec, v), slope = uploaded(exec, dy);
    Buffer<float> y(exec, dy.size()), da(exec, x.size());
    auto db = uploaded(exec, std::vector<float>(v.size(), 1.F));  // added to
    auto const rows = [&](Buffer<float> const& m, int t, int cols) {
      return InRows<float>(m.data() + t * e.rows * cols, e.rows, cols);
    };
    auto const out = [&](Buffer<float>& m, int t, int cols) {
      return OutRows<float>(m.data() + t * e.rows * cols, e.rows, cols);
    };
    for (int t = 0; t < e.steps; ++t)
      e.layer.forward(exec, t, {rows(a, t, 8), rows(b, t, 3)}, out(y, t, 12));
    for (int t = e.steps - 1; t >= 0; --t)
      e.layer.backward(exec, t, rows(y, t, 12), rows(slope, t, 12),
                       {{out(da, t, 8)}, {out(db, t, 3), Result::add}});
    e.layer.weight_gradient(exec, {{a.data(), all, 8}, {b.data(), all, 3}});
    auto const dx = download(da), dv = download(db);
    auto const gradient = download(exec, In<float>(e.parameters.gradient()));
    auto const values = download(exec, In<float>(e.parameters.values()));
    double const h = 1e-2;
    auto const close = [&](double got, auto const& moved_by, char const* what, std::size_t i) {
      EXPECT_NEAR(got, (moved_by(h) - moved_by(-h)) / (2 * h), 2e-3) << what << " " << i;
    };
    for (std::size_t i = 0; i < values.size(); i += 5)
      close(
          gradient[i],
          [&](double by) {
            auto moved = values;
            moved[i] += static_cast<float>(by);
            upload<float>(exec, moved, e.parameters.values());
            double const of = objective(exec, e, x, v, dy);
            upload<float>(exec, values, e.parameters.values());
            return of;
          },
          "parameter", i);
    for (std::size_t i = 0; i < x.size(); i += 7)
      close(
          dx[i],
          [&](double by) {
            auto moved = x;
            moved[i] += static_cast<float>(by);
            return objective(exec, e, moved, v, dy);
          },
          "first input", i);
    for (std::size_t i = 0; i < v.size(); i += 4)
      close(
          double{dv[i]} - 1,
          [&](double by) {
            auto moved = v;
            moved[i] += static_cast<float>(by);
            return objective(exec, e, x, moved, dy);
          },
          "second input", i);
  }
}

TEST(Layer, AGradientOfFewerRowsIsThatOfTheLast) {
  Exec const exec{Cpu{}};
  Example e(exec);
  auto const x = uploaded(exec, waves(40, 0.7F)), v = uploaded(exec, waves(15, 1.3F)),
             dy = uploaded(exec, waves(60, 2.1F));
  Buffer<float> y(exec, 60), whole(exec, 40), last(exec, 16);
  e.layer.forward(exec, 0, {{x.data(), 5, 8}, {v.data(), 5, 3}}, {y.data(), 5, 12});
  e.layer.backward(exec, 0, {y.data(), 5, 12}, {dy.data(), 5, 12}, {{{whole.data(), 5, 8}}});
  e.layer.backward(exec, 0, {y.data(), 5, 12}, {dy.data(), 5, 12}, {{{last.data(), 2, 8}}});
  auto const all = download(whole), part = download(last);
  for (std::size_t i = 0; i < 16; ++i) EXPECT_NEAR(part[i], all[24 + i], 1e-6);
}

/// The second step's output of a stack over many rows, and the gradient of all of its parameters.
std::vector<float> work_of_a_stack(Exec const& exec) {
  constexpr int kRows = 1031;  // one thread takes them in parts, many take all rows of a layer
  Stack::Shape const shape{{7, 3}, 2, 48, 5, Norm::rms};
  Parameters parameters(exec, stack_parameters("stack", shape));
  initialise_stack(exec, shape, 3, 0, parameters, "stack");
  Stack stack(exec, shape, kRows, 2, parameters, "stack");
  auto const x = uploaded(exec, waves(elements(2 * kRows, 8), 0.7F)),
             v = uploaded(exec, waves(elements(2 * kRows, 3), 1.3F)),
             dy = uploaded(exec, waves(elements(kRows, 5), 2.1F));
  auto const inputs = [&](int first, int rows) {
    return Layer::Inputs{{x.data() + elements(first, 8), rows, 7, 8},
                         {v.data() + elements(first, 3), rows, 3}};
  };
  for (int t = 0; t < 2; ++t) stack.forward(exec, t, inputs(t * kRows, kRows));
  for (int t = 0; t < 2; ++t) stack.backward(exec, t, {dy.data(), kRows, 5});
  stack.weight_gradient(exec, inputs(0, 2 * kRows));
  auto all = download(exec, In<float>(stack.output(1).data, elements(kRows, 5)));
  auto const gradient = download(exec, In<float>(parameters.gradient()));
  all.insert(all.end(), gradient.begin(), gradient.end());
  return all;
}

TEST(Layer, RowsInPartsHaveTheBitsOfAllAtOnce) {
  ThreadPool few(3), many(16);
  auto const one = work_of_a_stack(Cpu{});
  EXPECT_EQ(one, work_of_a_stack(Cpu{.pool = &few}));
  EXPECT_EQ(one, work_of_a_stack(Cpu{.pool = &many}));
  EXPECT_EQ(one, work_of_a_stack(Cpu{.lanes = 1}));
}

TEST(Layer, InitialWeightsAreCutNormals) {
  LayerShape const shape{{200}, 300, Norm::rms};
  auto const w = initial_layer(shape, 2.F, 7, 1);
  ASSERT_EQ(w.size(), 300U * 200 + 600);
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < 60000; ++i) {
    sum += double{w[i]};
    squares += double{w[i]} * double{w[i]};
    ASSERT_LE(std::abs(w[i]), 2 * 2 / std::sqrt(200.) / 0.8796);
  }
  double const deviation = 2 / std::sqrt(200.);
  EXPECT_NEAR(sum / 60000, 0, 4 * deviation / std::sqrt(60000.));
  EXPECT_NEAR(std::sqrt(squares / 60000), deviation, 0.01 * deviation);
  EXPECT_EQ(w[60000], 0.F);
  EXPECT_EQ(w[60300], 1.F);
  EXPECT_EQ(initial_layer(shape, 0.F, 7, 1)[5], 0.F);
}

TEST(Layer, SaysWhatDoesNotFit) {
  LayerShape blocks{{10}, 8};
  blocks.blocks = 4;
  EXPECT_THROW(layer_parameters("x", blocks), ConfigError);
  EXPECT_THROW(layer_parameters("x", LayerShape{{0}, 8}), ConfigError);
  Exec const exec{Cpu{}};
  Example e(exec);
  Layer acts(exec, e.shape, 5, 1, e.parameters, "layer", false);
  EXPECT_THROW(acts.weight_gradient(exec, {}), ShapeError);
}

}  // namespace
}  // namespace loom
