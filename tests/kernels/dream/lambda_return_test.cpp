#include <kernels/core/error.hpp>
#include <kernels/dream/lambda_return.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

struct Trajectories {
  int steps, n;
  std::vector<float> reward = normal_numbers(size(), 0, 1, 1),
                     discount = normal_numbers(size(), 0.9, 0.1, 2),
                     value = normal_numbers(size() + static_cast<std::size_t>(n), 0, 3, 3),
                     dreturns = normal_numbers(size(), 0, 1, 4);
  std::size_t size() const { return static_cast<std::size_t>(steps * n); }
};

struct Outcome {
  std::vector<float> returns, dreward, ddiscount, dvalue;
  bool operator==(Outcome const&) const = default;
};

Outcome solved(Exec const& exec, Trajectories const& x, float lambda) {
  auto const reward = uploaded(exec, x.reward), discount = uploaded(exec, x.discount),
             value = uploaded(exec, x.value), dreturns = uploaded(exec, x.dreturns);
  Buffer<float> returns(exec, x.size()), dreward(exec, x.size()), ddiscount(exec, x.size()),
      dvalue(exec, x.value.size());
  LambdaReturnInput const in{reward.in(), discount.in(), value.in()};
  visit(exec, [&](auto e) {
    lambda_return(e, x.steps, lambda, in, returns.out());
    lambda_return_backward(e, x.steps, lambda, in, returns.in(), dreturns.in(),
                           {dreward.out(), ddiscount.out(), dvalue.out()});
  });
  return {download(returns), download(dreward), download(ddiscount), download(dvalue)};
}

/// sum over t of dreturns_t R_t of one trajectory, from the definition: R_t as a mixture of n-step
/// returns.
double objective(Trajectories const& x, float lambda, std::vector<double> const& reward,
                 std::vector<double> const& discount, std::vector<double> const& value, int i,
                 std::vector<double>* returns = nullptr) {
  double sum = 0;
  for (int t = 0; t < x.steps; ++t) {
    // (1 - lambda) sum lambda^(n-1) G^(n), the last with all the weight that is left.
    double mixed = 0, weight = 1, gathered = 0, product = 1;
    for (int k = t; k < x.steps; ++k) {
      gathered += product * reward[static_cast<std::size_t>(k)];
      product *= discount[static_cast<std::size_t>(k)];
      double const n_step = gathered + product * value[static_cast<std::size_t>(k + 1)];
      bool const last = k + 1 == x.steps;
      mixed += (last ? weight : weight * (1 - double(lambda))) * n_step;
      weight *= double(lambda);
    }
    if (returns != nullptr) returns->push_back(mixed);
    sum += mixed * x.dreturns[static_cast<std::size_t>(t * x.n + i)];
  }
  return sum;
}

std::vector<double> column(std::vector<float> const& x, int n, int i) {
  std::vector<double> out;
  for (std::size_t at = static_cast<std::size_t>(i); at < x.size();
       at += static_cast<std::size_t>(n))
    out.push_back(x[at]);
  return out;
}

TEST(LambdaReturn, GivesThePublishedNumbers) {
  std::vector<float> const reward{1, 1, 1}, discount{.99F, .99F, .99F};
  struct Case {
    float lambda;
    std::vector<float> value;  // of the states 1, 2, 3; state 0's is never read for a return
    std::vector<double> returns;
  };
  for (Case const& c : {Case{.95F, {0, 0, 10}, {11.581989, 11.251450, 10.9}},
                        Case{1.F, {5, 6, 10}, {12.673090, 11.791, 10.9}},
                        Case{0.F, {5, 6, 10}, {5.95, 6.94, 10.9}}})
    for (Exec const& exec : every_machine()) {
      std::vector<float> value{123.F};
      value.insert(value.end(), c.value.begin(), c.value.end());
      auto const r = uploaded(exec, reward), d = uploaded(exec, discount),
                 v = uploaded(exec, value);
      Buffer<float> returns(exec, 3);
      visit(exec, [&](auto e) {
        lambda_return(e, 3, c.lambda, {r.in(), d.in(), v.in()}, returns.out());
      });
      auto const got = download(returns);
      for (std::size_t t = 0; t < 3; ++t) EXPECT_NEAR(got[t], c.returns[t], 2e-6) << t;
    }
}

TEST(LambdaReturn, ACutStartsAfresh) {
  std::vector<float> const reward{1, 2, 3}, discount{.5F, .5F, .5F}, value{9, 10, 20, 30},
      cut{0, 1, 0};
  // R_2 = 3 + .5 30; R_1 = 2 + .5 20, whatever comes after; R_0 = 1 + .5 (.2 10 + .8 R_1).
  double const r1 = 12, r0 = 1 + .5 * (.2 * 10 + .8 * r1);
  for (Exec const& exec : every_machine()) {
    auto const r = uploaded(exec, reward), d = uploaded(exec, discount), v = uploaded(exec, value),
               c = uploaded(exec, cut);
    Buffer<float> returns(exec, 3);
    visit(exec, [&](auto e) {
      lambda_return(e, 3, .8F, {r.in(), d.in(), v.in(), c.in()}, returns.out());
    });
    auto const got = download(returns);
    EXPECT_NEAR(got[0], r0, 1e-6);
    EXPECT_NEAR(got[1], r1, 1e-6);
    EXPECT_NEAR(got[2], 18, 1e-6);
  }
}

TEST(LambdaReturn, IsTheMixtureOfNStepReturnsWithItsGradients) {
  Trajectories const x{15, 70};
  for (float const lambda : {0.95F, 0.F, 1.F})
    for (Exec const& exec : every_machine()) {
      Outcome const got = solved(exec, x, lambda);
      for (int i = 0; i < x.n; i += 23) {
        auto const reward = column(x.reward, x.n, i), discount = column(x.discount, x.n, i),
                   value = column(x.value, x.n, i);
        std::vector<double> returns;
        objective(x, lambda, reward, discount, value, i, &returns);
        auto const check = [&](std::vector<float> const& found, std::size_t t, double want,
                               char const* what) {
          EXPECT_NEAR(found[t * static_cast<std::size_t>(x.n) + static_cast<std::size_t>(i)], want,
                      1e-5 * std::max(1., std::abs(want)))
              << what << " " << t << " of " << i << ", lambda " << lambda;
        };
        auto const slope = [&](std::vector<double> moved, std::size_t t, auto const& of) {
          return central_difference(
              [&](double v) {
                moved[t] = v;
                return of(moved);
              },
              moved[t], 1e-4);
        };
        for (std::size_t t = 0; t < returns.size(); ++t) {
          check(got.returns, t, returns[t], "return");
          check(got.dreward, t,
                slope(reward, t,
                      [&](auto const& m) { return objective(x, lambda, m, discount, value, i); }),
                "dreward");
          check(got.ddiscount, t,
                slope(discount, t,
                      [&](auto const& m) { return objective(x, lambda, reward, m, value, i); }),
                "ddiscount");
        }
        for (std::size_t t = 0; t < value.size(); ++t)
          check(got.dvalue, t,
                slope(value, t,
                      [&](auto const& m) { return objective(x, lambda, reward, discount, m, i); }),
                "dvalue");
      }
    }
}

TEST(LambdaReturn, EveryMachineAndNumberOfThreadsGivesTheSameBits) {
  ThreadPool pool(3);
  Trajectories const x{15, 1000};
  Outcome const first = solved(Cpu{}, x, 0.95F);
  EXPECT_EQ(solved(Cpu{&pool}, x, 0.95F), first);
  for (Exec const& exec : every_machine())
    EXPECT_EQ(solved(exec, x, 0.95F), first) << describe(exec);
}

TEST(LambdaReturn, SaysWhatDoesNotFit) {
  std::vector<float> x(12), y(12);
  In<float> const in = x;
  EXPECT_THROW(lambda_return(Cpu{}, 0, 1, {in, in, in}, y), ShapeError);
  EXPECT_THROW(lambda_return(Cpu{}, 4, 1, {in, in, in}, y), ShapeError);
  EXPECT_THROW(lambda_return(Cpu{}, 3, 1, {in, in, in}, y), ShapeError);
  EXPECT_NO_THROW(
      lambda_return(Cpu{}, 3, 1, {in.slice(0, 9), in.slice(0, 9), in}, Out<float>(y).slice(0, 9)));
}

}  // namespace
}  // namespace loom
