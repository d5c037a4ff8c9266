#include <tools/dreamloom/parameter_rule.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <kernels/core/error.hpp>
#include <kernels/core/names.hpp>
#include <learn/core/text.hpp>
#include <string_view>

namespace loom {
namespace {

std::vector<std::string> const kKinds{"fixed", "uniform", "log_uniform", "normal"};

std::string joined(std::vector<double> const& numbers) {
  std::string text;
  for (double const x : numbers) text += (text.empty() ? "" : ", ") + shortest(x);
  return text;
}

/// Digits that a TOML reader takes for a float.
std::string toml_number(double x) {
  std::string const text = shortest(x);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

[[noreturn]] void refuse(std::string const& source, std::string const& name,
                         std::string const& given, std::string const& needs) {
  fail<ConfigError>(source, ": parameters.", name, " = ", given, " (needs ", needs, ")");
}

bool parse_numbers(std::string_view text, std::vector<double>& numbers) {
  auto const drop_blanks = [&] {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  };
  drop_blanks();
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
  }
  while (true) {
    drop_blanks();
    double x = 0;
    auto const r = std::from_chars(text.data(), text.data() + text.size(), x);
    if (r.ec != std::errc{}) return false;
    numbers.push_back(x);
    text.remove_prefix(static_cast<std::size_t>(r.ptr - text.data()));
    drop_blanks();
    if (text.empty()) return true;
    if (text.front() != ',') return false;
    text.remove_prefix(1);
  }
}

}  // namespace

std::string name_of(Distribution kind) { return kKinds[static_cast<std::size_t>(kind)]; }

std::string ParameterRule::toml() const {
  if (kind == Distribution::fixed) return toml_number(first);
  return "{ " + name_of(kind) + " = [" + toml_number(first) + ", " + toml_number(second) + "] }";
}

bool ParameterRule::same_as(ParameterRule const& other) const {
  return name == other.name && kind == other.kind && first == other.first &&
         (kind == Distribution::fixed || second == other.second);
}

ParameterRule make_rule(std::string const& name, std::string const& kind,
                        std::vector<double> const& numbers, std::string const& source) {
  std::string const word = kind.empty() ? "fixed" : kind;
  auto const found = std::find(kKinds.begin(), kKinds.end(), word);
  if (found == kKinds.end()) {
    fail<ConfigError>(source, ": parameters.", name, ": ",
                      unknown_name("distribution", kind, kKinds));
  }
  ParameterRule rule{name, static_cast<Distribution>(found - kKinds.begin()), 0, 0, source};
  std::string const given =
      kind.empty() ? joined(numbers) : "{ " + word + " = [" + joined(numbers) + "] }";
  bool const finite =
      std::all_of(numbers.begin(), numbers.end(), [](double x) { return std::isfinite(x); });
  if (!finite) refuse(source, name, given, "finite numbers");

  if (rule.kind == Distribution::fixed) {
    if (numbers.size() != 1) refuse(source, name, given, "one number");
    rule.first = numbers[0];
    return rule;
  }
  if (numbers.size() != 2) {
    bool const normal = rule.kind == Distribution::normal;
    refuse(source, name, given, normal ? "mean and standard deviation" : "low and high");
  }
  rule.first = numbers[0];
  rule.second = numbers[1];
  if (rule.kind == Distribution::normal) {
    if (rule.second < 0) refuse(source, name, given, "a standard deviation of at least 0");
  } else {
    if (rule.first > rule.second) refuse(source, name, given, "low <= high");
    if (rule.kind == Distribution::log_uniform && rule.first <= 0) {
      refuse(source, name, given, "low above 0");
    }
  }
  return rule;
}

ParameterRule parse_rule(std::string const& name, std::string const& text,
                         std::string const& source) {
  auto const colon = text.find(':');
  std::string const kind = colon == std::string::npos ? "" : text.substr(0, colon);
  std::vector<double> numbers;
  std::string_view const list = colon == std::string::npos
                                    ? std::string_view(text)
                                    : std::string_view(text).substr(colon + 1);
  if (!parse_numbers(list, numbers)) {
    refuse(source, name, text.empty() ? "\"\"" : text,
           "a number, uniform:low,high, log_uniform:low,high or normal:mean,sd");
  }
  return make_rule(name, kind, numbers, source);
}

void put(std::vector<ParameterRule>& rules, ParameterRule rule) {
  for (ParameterRule& old : rules) {
    if (old.name == rule.name) {
      old = std::move(rule);
      return;
    }
  }
  rules.push_back(std::move(rule));
}

}  // namespace loom
