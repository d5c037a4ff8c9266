#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tools/media/axis.hpp>

namespace loom {

Axis::Axis(double least, double most, int count) {
  // Nearer to each other than that, two numbers are one.
  constexpr double kLeastSpan = 1e-290, kRelativeSpan = 1e-12;
  least = std::clamp(least, -kMost, kMost);
  most = std::clamp(most, -kMost, kMost);
  double const size = std::max(std::abs(least), std::abs(most));
  widened = !(most - least > std::max(kLeastSpan, kRelativeSpan * size));
  if (widened) {
    double const margin = std::max(1.0, std::abs(least)) * 0.5;
    least -= margin;
    most += margin;
  }
  double const rough = (most - least) / count;
  double const power = std::pow(10.0, std::floor(std::log10(rough)));
  step = 10 * power;
  for (double const factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough * 0.75) step = factor * power;
  // The small tolerance keeps an end that lies on a tick from gaining another step.
  auto const first = static_cast<long long>(std::floor(least / step + 1e-9));
  auto const last = static_cast<long long>(std::ceil(most / step - 1e-9));
  for (long long k = first; k <= last; ++k) ticks.push_back(static_cast<double>(k) * step);
  low = ticks.front();
  high = ticks.back();
}

std::string Axis::label(double tick) const {
  double const size = std::max(std::abs(low), std::abs(high));
  // The unit follows the largest number, so that one axis does not mix 800k and 1.2M.
  struct Unit {
    double value;
    char const* letter;
  };
  for (auto const [value, letter] : {Unit{1e9, "G"}, Unit{1e6, "M"}, Unit{1e4, "k"}, Unit{0, ""}}) {
    if (size < value) continue;
    double const unit = value == 1e4 ? 1e3 : value == 0 ? 1 : value;
    int const decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step / unit) + 1e-9)));
    double const shown = tick / unit;
    if (shown == 0) return "0";
    std::string text = fmt::format("{:.{}f}", std::abs(shown), std::min(decimals, 9));
    if (decimals > 0) {
      text.erase(text.find_last_not_of('0') + 1);
      if (text.back() == '.') text.pop_back();
    }
    return (shown < 0 ? "\u2212" : "") + text + letter;
  }
  return {};
}

}  // namespace loom
