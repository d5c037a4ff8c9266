#include <algorithm>
#include <array>
#include <kernels/core/error.hpp>
#include <kernels/nn/gru.hpp>
#include <kernels/nn/gru_body.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// v3's equations, line by line: reset, candidate, update.
double dreamer_next(std::array<double, 3> const& a, double update_bias, double state) {
  double const reset = logistic(a[0]);
  double const candidate = std::tanh(reset * a[1]);
  double const update = logistic(a[2] + update_bias);
  return update * candidate + (1 - update) * state;
}

/// PyTorch's GRUCell from W_i x + b_i and W_h h + b_h: r, z, n.
double cell_next(std::array<double, 3> const& i, std::array<double, 3> const& h, double state) {
  double const r = logistic(i[0] + h[0]), z = logistic(i[1] + h[1]);
  double const n = std::tanh(i[2] + r * h[2]);
  return (1 - z) * n + z * state;
}

/// A matrix with room behind its rows, that must stay as it was.
struct Padded {
  static constexpr int kGap = 3;
  static constexpr float kUntouched = 77.F;
  int rows, cols;
  std::vector<float> host;

  Padded(int rows_, int cols_, unsigned seed = 0)
      : rows(rows_), cols(cols_), host(size(), kUntouched) {
    if (seed == 0) return;
    auto const x = normal_numbers(size(), 0, 1.5, seed);
    for (int r = 0; r < rows; ++r)
      std::copy_n(x.data() + r * cols, cols, host.data() + r * (cols + kGap));
  }
  std::size_t size() const { return static_cast<std::size_t>(rows * (cols + kGap)); }
  float operator()(int r, int c) const {
    return host[static_cast<std::size_t>(r * (cols + kGap) + c)];
  }
  OutRows<float> out(Buffer<float>& b) const { return {b.data(), rows, cols, cols + kGap}; }
  InRows<float> in(Buffer<float> const& b) const { return {b.data(), rows, cols, cols + kGap}; }
  void expect_gaps_untouched() const {
    for (int r = 0; r < rows; ++r)
      for (int c = cols; c < cols + kGap; ++c)
        EXPECT_EQ((*this)(r, c), kUntouched) << r << ", " << c;
  }
};

struct Dreamer {
  int rows, blocks, units;  // units of a block
  float bias = -1.F;
  Padded sums{rows, 3 * blocks*units, 1}, state{rows, blocks*units, 2},
      dnext{rows, blocks*units, 3};

  std::array<double, 3> at(int r, int j) const {
    int const first = j / units * 3 * units + j % units;
    return {sums(r, first), sums(r, first + units), sums(r, first + 2 * units)};
  }
  std::vector<Padded> solved(Exec const& exec) const {
    auto const a = uploaded(exec, sums.host), h = uploaded(exec, state.host),
               dn = uploaded(exec, dnext.host);
    Padded next(rows, state.cols), dsums(rows, sums.cols), dstate(rows, state.cols);
    auto n = uploaded(exec, next.host), da = uploaded(exec, dsums.host),
         dh = uploaded(exec, dstate.host);
    GruShape const shape{blocks, bias};
    visit(exec, [&](auto e) {
      gru(e, shape, sums.in(a), state.in(h), next.out(n));
      gru_backward(e, shape, sums.in(a), state.in(h), dnext.in(dn), dsums.out(da), dstate.out(dh));
    });
    next.host = download(n);
    dsums.host = download(da);
    dstate.host = download(dh);
    return {next, dsums, dstate};
  }
};

void expect_close(double got, double want, char const* what, int r, int j) {
  // Three elementary functions of 3 ulp and a few roundings; the differences' own error is 1e-10.
  EXPECT_NEAR(got, want, 2e-6 * std::max(1., std::abs(want)))
      << what << " [" << r << "][" << j << "]";
}

TEST(Gru, DreamersUnitEqualsItsEquationsAndTheirDifferences) {
  for (Dreamer const& p :
       {Dreamer{7, 1, 200}, Dreamer{5, 8, 64}, Dreamer{3, 8, 5}, Dreamer{4, 1, 1, 0.F}})
    for (Exec const& exec : every_machine()) {
      auto const got = p.solved(exec);
      for (auto const& matrix : got) matrix.expect_gaps_untouched();
      for (int r = 0; r < p.rows; ++r)
        for (int j = 0; j < p.state.cols; ++j) {
          auto const a = p.at(r, j);
          double const h = p.state(r, j), dn = p.dnext(r, j);
          expect_close(got[0](r, j), dreamer_next(a, p.bias, h), "next", r, j);
          for (std::size_t g = 0; g < 3; ++g) {
            auto const of = [&](double x) {
              auto moved = a;
              moved[g] = x;
              return dreamer_next(moved, p.bias, h);
            };
            int const column =
                j / p.units * 3 * p.units + static_cast<int>(g) * p.units + j % p.units;
            expect_close(got[1](r, column), dn * central_difference(of, a[g]), "dsums", r, column);
          }
          auto const of = [&](double x) { return dreamer_next(a, p.bias, x); };
          expect_close(got[2](r, j), dn * central_difference(of, h), "dstate", r, j);
        }
    }
}

struct Cell {
  int rows, units;
  Padded input{rows, 3 * units, 4}, recurrent{rows, 3 * units, 5}, state{rows, units, 6},
      dnext{rows, units, 7};

  std::array<double, 3> at(Padded const& sums, int r, int j) const {
    return {sums(r, j), sums(r, j + units), sums(r, j + 2 * units)};
  }
  std::vector<Padded> solved(Exec const& exec) const {
    auto const a = uploaded(exec, input.host), s = uploaded(exec, recurrent.host),
               h = uploaded(exec, state.host), dn = uploaded(exec, dnext.host);
    Padded next(rows, units), dinput(rows, 3 * units), drecurrent(rows, 3 * units),
        dstate(rows, units);
    auto n = uploaded(exec, next.host), da = uploaded(exec, dinput.host),
         ds = uploaded(exec, drecurrent.host), dh = uploaded(exec, dstate.host);
    visit(exec, [&](auto e) {
      gru_reset_after(e, input.in(a), recurrent.in(s), state.in(h), next.out(n));
      gru_reset_after_backward(e, input.in(a), recurrent.in(s), state.in(h), dnext.in(dn),
                               dinput.out(da), drecurrent.out(ds), dstate.out(dh));
    });
    next.host = download(n);
    dinput.host = download(da);
    drecurrent.host = download(ds);
    dstate.host = download(dh);
    return {next, dinput, drecurrent, dstate};
  }
};

TEST(Gru, ChosUnitEqualsItsEquationsAndTheirDifferences) {
  for (Cell const& p : {Cell{6, 200}, Cell{9, 17}})
    for (Exec const& exec : every_machine()) {
      auto const got = p.solved(exec);
      for (auto const& matrix : got) matrix.expect_gaps_untouched();
      for (int r = 0; r < p.rows; ++r)
        for (int j = 0; j < p.units; ++j) {
          auto const i = p.at(p.input, r, j), s = p.at(p.recurrent, r, j);
          double const h = p.state(r, j), dn = p.dnext(r, j);
          expect_close(got[0](r, j), cell_next(i, s, h), "next", r, j);
          for (std::size_t g = 0; g < 3; ++g) {
            auto const of_input = [&](double x) {
              auto moved = i;
              moved[g] = x;
              return cell_next(moved, s, h);
            };
            auto const of_state = [&](double x) {
              auto moved = s;
              moved[g] = x;
              return cell_next(i, moved, h);
            };
            int const column = static_cast<int>(g) * p.units + j;
            expect_close(got[1](r, column), dn * central_difference(of_input, i[g]), "dinput", r,
                         column);
            expect_close(got[2](r, column), dn * central_difference(of_state, s[g]), "dstate sums",
                         r, column);
          }
          auto const of = [&](double x) { return cell_next(i, s, x); };
          expect_close(got[3](r, j), dn * central_difference(of, h), "dstate", r, j);
        }
    }
}

TEST(Gru, EveryMachineAndNumberOfThreadsGivesTheSameBits) {
  ThreadPool pool(3);
  auto machines = every_machine();
  machines.emplace_back(Cpu{&pool});
  Dreamer const p{40, 8, 24};
  Cell const cell{40, 70};
  auto const first = p.solved(machines[0]), first_cell = cell.solved(machines[0]);
  for (Exec const& exec : machines) {
    auto const again = p.solved(exec), again_cell = cell.solved(exec);
    for (std::size_t k = 0; k < first.size(); ++k)
      EXPECT_EQ(again[k].host, first[k].host) << describe(exec) << ", " << k;
    for (std::size_t k = 0; k < first_cell.size(); ++k)
      EXPECT_EQ(again_cell[k].host, first_cell[k].host) << describe(exec) << ", " << k;
  }
}

TEST(Gru, WorksInPlace) {
  Dreamer const p{5, 2, 20};
  auto const want = p.solved(Cpu{});
  std::vector<float> state = p.state.host, sums = p.sums.host, dnext = p.dnext.host;
  auto const rows = [](Padded const& like, std::vector<float>& x) {
    return OutRows<float>(x.data(), like.rows, like.cols, like.cols + Padded::kGap);
  };
  GruShape const shape{2, -1.F};
  gru_backward(Cpu{}, shape, rows(p.sums, sums), rows(p.state, state), rows(p.dnext, dnext),
               rows(p.sums, sums), rows(p.dnext, dnext));
  EXPECT_EQ(sums, want[1].host);
  EXPECT_EQ(dnext, want[2].host);
  sums = p.sums.host;
  gru(Cpu{}, shape, rows(p.sums, sums), rows(p.state, state), rows(p.state, state));
  EXPECT_EQ(state, want[0].host);
}

TEST(Gru, SaysWhatDoesNotFit) {
  std::vector<float> x(240);
  auto const rows = [&](int r, int c) { return OutRows<float>(x.data(), r, c); };
  EXPECT_THROW(gru(Cpu{}, {3, 0.F}, rows(2, 30), rows(2, 10), rows(2, 10)), ShapeError);
  EXPECT_THROW(gru(Cpu{}, {2, 0.F}, rows(2, 29), rows(2, 10), rows(2, 10)), ShapeError);
  EXPECT_THROW(gru(Cpu{}, {2, 0.F}, rows(3, 30), rows(2, 10), rows(2, 10)), ShapeError);
  EXPECT_THROW(gru_reset_after(Cpu{}, rows(2, 30), rows(2, 20), rows(2, 10), rows(2, 10)),
               ShapeError);
}

}  // namespace
}  // namespace loom
