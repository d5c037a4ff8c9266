#include <tools/dreamloom/parameter_rule.hpp>

#include <gtest/gtest.h>

#include <kernels/core/error.hpp>
#include <tools/dreamloom/environments.hpp>

namespace loom {
namespace {

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (ConfigError const& e) {
    return e.what();
  }
  return "no error";
}

std::string parse_error(std::string const& text) {
  return message_of([&] { parse_rule("gravity", text, "command line"); });
}

TEST(ParameterRule, ReadsEveryDistributionFromText) {
  ParameterRule r = parse_rule("gravity", "9.8", "");
  EXPECT_EQ(r.kind, Distribution::fixed);
  EXPECT_EQ(r.first, 9.8);
  r = parse_rule("gravity", "uniform:8.8,10.8", "");
  EXPECT_EQ(r.kind, Distribution::uniform);
  EXPECT_EQ(r.first, 8.8);
  EXPECT_EQ(r.second, 10.8);
  r = parse_rule("gravity", "log_uniform:[ 0.1 , 1e1 ]", "");
  EXPECT_EQ(r.kind, Distribution::log_uniform);
  EXPECT_EQ(r.second, 10);
  r = parse_rule("gravity", "normal:-1,0", "");
  EXPECT_EQ(r.kind, Distribution::normal);
  EXPECT_EQ(r.first, -1);
}

TEST(ParameterRule, SaysWhatItNeeds) {
  constexpr char const* kForms =
      " (needs a number, uniform:low,high, log_uniform:low,high or normal:mean,sd)";
  for (char const* text : {"high", "9.8m", "uniform:", "uniform:1,", "uniform:1;2", "1,,2"}) {
    EXPECT_EQ(parse_error(text),
              std::string("command line: parameters.gravity = ") + text + kForms);
  }
  EXPECT_EQ(parse_error(""), std::string("command line: parameters.gravity = \"\"") + kForms);
  EXPECT_EQ(parse_error("uniform:2,1"),
            "command line: parameters.gravity = { uniform = [2, 1] } (needs low <= high)");
  EXPECT_EQ(parse_error("log_uniform:0,1"),
            "command line: parameters.gravity = { log_uniform = [0, 1] } (needs low above 0)");
  EXPECT_EQ(parse_error("normal:1,-1"),
            "command line: parameters.gravity = { normal = [1, -1] } (needs a standard deviation "
            "of at least 0)");
  EXPECT_EQ(parse_error("uniform:1,2,3"),
            "command line: parameters.gravity = { uniform = [1, 2, 3] } (needs low and high)");
  EXPECT_EQ(parse_error("1,2"), "command line: parameters.gravity = 1, 2 (needs one number)");
  EXPECT_EQ(parse_error("nan"), "command line: parameters.gravity = nan (needs finite numbers)");
  EXPECT_EQ(parse_error("unifrom:1,2"),
            "command line: parameters.gravity: unknown distribution \"unifrom\" (did you mean "
            "\"uniform\"?)");
}

TEST(ParameterRule, WritesTomlThatMeansTheSame) {
  EXPECT_EQ(parse_rule("g", "9", "").toml(), "9.0");
  EXPECT_EQ(parse_rule("g", "uniform:8.8,10", "").toml(), "{ uniform = [8.8, 10.0] }");
}

TEST(ParameterRule, ReplacesTheRuleOfTheSameParameter) {
  std::vector<ParameterRule> rules{parse_rule("a", "1", ""), parse_rule("b", "2", "")};
  put(rules, parse_rule("a", "3", ""));
  put(rules, parse_rule("c", "4", ""));
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].first, 3);
  EXPECT_EQ(rules[2].name, "c");
}

TEST(Environments, RefusesWhatAnEnvironmentDoesNotHave) {
  auto const error = [](std::string const& name, std::string const& parameter,
                        std::string const& text) {
    return message_of([&] { check_environment(name, {parse_rule(parameter, text, "a.toml:7")}); });
  };
  EXPECT_EQ(error("CartPole", "gravity", "uniform:8.8,10.8"), "no error");
  EXPECT_EQ(error("CartPol", "gravity", "9"),
            "unknown environment \"CartPol\" (did you mean \"CartPole\"?)");
  EXPECT_EQ(error("CartPole", "gravty", "9"),
            "a.toml:7: unknown CartPole parameter \"gravty\" (did you mean \"gravity\"?)");
  EXPECT_EQ(error("CartPole", "gravity", "uniform:8.8,99"),
            "a.toml:7: parameters.gravity = { uniform = [8.8, 99.0] } (needs values from 0.1 to 30 "
            "m/s^2)");
}

}  // namespace
}  // namespace loom
