#pragma once
// What the tests of this folder share.
#include <cmath>
#include <functional>
#include <kernels/core/buffer.hpp>
#include <kernels/core/thread_pool.hpp>
#include <numeric>
#include <random>

#include <tests/device.hpp>

namespace loom {

/// Every Exec of the machine, and one CPU lane at a time.
inline std::vector<Exec> every_machine() {
  auto all = every_exec();
  all.emplace_back(Cpu{nullptr, 1});
  return all;
}

inline std::vector<float> normal_numbers(std::size_t n, double mean, double std, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal(mean, std);
  std::vector<float> x(n);
  for (float& v : x) v = static_cast<float>(normal(engine));
  return x;
}

inline std::vector<std::uint32_t> count_from(std::uint32_t first, std::size_t n) {
  std::vector<std::uint32_t> x(n);
  std::iota(x.begin(), x.end(), first);
  return x;
}

/// Pearson's statistic of counts against expected counts.
inline double chi_square(std::vector<double> const& counts, std::vector<double> const& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i)
    sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
  return sum;
}

/// (f(x + h) - f(x - h)) / 2h.
inline double central_difference(std::function<double(double)> const& f, double x,
                                 double h = 1e-5) {
  return (f(x + h) - f(x - h)) / (2 * h);
}

}  // namespace loom
