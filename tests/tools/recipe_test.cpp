#include <tools/dreamloom/recipe.hpp>

#include <gtest/gtest.h>

#include <tests/tools/program.hpp>
#include <tools/dreamloom/toml_file.hpp>

namespace loom {
namespace {

constexpr char const* kText =
    "# one line about it\n"
    "environment = \"CartPole\"\n"
    "num_envs = 128\n"
    "total_steps = 1e6\n"
    "[ppo]\n"
    "gamma = 0.5\n"
    "hidden = [32, 16]\n"
    "[parameters]\n"
    "gravity = { uniform = [8.8, 10.8] }\n"
    "force = 9\n";

Recipe recipe(std::string const& text, std::vector<Override> const& overrides = {}) {
  return make_recipe(text, "a.toml", overrides);
}

std::string error(std::string const& text, std::vector<Override> const& overrides = {}) {
  try {
    recipe(text, overrides);
  } catch (ConfigError const& e) {
    return e.what();
  }
  return "no error";
}

TEST(Recipe, TakesItsKeysAndParameters) {
  Recipe const r = recipe(kText);
  EXPECT_EQ(r.summary, "one line about it");
  EXPECT_EQ(r.run->num_envs, 128);
  EXPECT_EQ(r.run->total_steps, 1000000);
  EXPECT_EQ(r.settings.find("ppo.gamma")->text(), "0.5");
  EXPECT_EQ(r.settings.find("hidden")->text(), "[32, 16]");
  ASSERT_EQ(r.parameters.size(), 2U);
  EXPECT_EQ(r.parameters[0].toml(), "9.0");
  EXPECT_EQ(r.parameters[1].toml(), "{ uniform = [8.8, 10.8] }");
}

TEST(Recipe, LaysTheCommandLineOverTheFile) {
  Recipe const r = recipe(kText, {{"ppo.gamma", "0.25"},
                                  {"clip", "0.1"},
                                  {"seed", "7"},
                                  {"parameters.gravity", "normal:9.8,0.5"},
                                  {"parameters.mass_pole", "0.2"}});
  EXPECT_EQ(r.settings.find("gamma")->text(), "0.25");
  EXPECT_EQ(r.settings.find("ppo.clip")->text(), "0.1");
  EXPECT_EQ(r.run->seed, 7U);
  ASSERT_EQ(r.parameters.size(), 3U);
  EXPECT_EQ(r.parameters[1].toml(), "{ normal = [9.8, 0.5] }");
  EXPECT_TRUE(recipe(kText, {{"parameters", "default"}}).parameters.empty());
}

TEST(Recipe, ReadsBackWhatItWrites) {
  Recipe const r = recipe(kText, {{"ppo.learning_rate", "0.1"}, {"stop_return", "475"}});
  Recipe const again = recipe(r.toml());
  EXPECT_EQ(again.toml(), r.toml());
  EXPECT_EQ(first_difference(r, again), "");
}

TEST(Recipe, SaysInWhichLineItIsWrong) {
  auto const with = [](std::string const& line) {
    return error("environment = \"CartPole\"\n" + line + "\n");
  };
  EXPECT_EQ(with("num_env = 3"), "a.toml:2: unknown key \"num_env\" (did you mean \"num_envs\"?)");
  EXPECT_EQ(with("num_envs = \"many\""),
            "a.toml:2: num_envs = \"many\" (needs an integer from 1 to 16777216)");
  EXPECT_EQ(with("num_envs = 0"), "a.toml:2: num_envs = 0 (needs an integer from 1 to 16777216)");
  EXPECT_EQ(with("[ppo]\ngama = 1"),
            "a.toml:3: unknown key \"ppo.gama\" (did you mean \"ppo.gamma\"?)");
  EXPECT_EQ(with("[ppo]\ngamma = 1.5"), "a.toml:3: ppo.gamma = 1.5 (needs a number from 0 to 1)");
  EXPECT_EQ(with("[parameters]\ngravty = 9"),
            "a.toml:3: unknown CartPole parameter \"gravty\" (did you mean \"gravity\"?)");
  EXPECT_EQ(with("[parameters]\ngravity = { uniform = [1, 2], normal = [1, 2] }"),
            "a.toml:3: parameters.gravity has 2 distributions (needs one)");
  EXPECT_EQ(with("[parameters]\ngravity = true"),
            "a.toml:3: parameters.gravity (needs a number or { uniform = [low, high] }, "
            "log_uniform, { normal = [mean, sd] })");
  EXPECT_EQ(with("seed = 2020-01-01"),
            "a.toml:2: seed is no setting's value (needs true or false, a number, text or a list "
            "of numbers)");
  EXPECT_EQ(error("seed = 3").rfind("a.toml: no environment", 0), 0U);
  EXPECT_EQ(error("environment = \"CartPol\""),
            "unknown environment \"CartPol\" (did you mean \"CartPole\"?)");
  EXPECT_EQ(error("algorithm = \"pp\"\nenvironment = \"CartPole\"").rfind("unknown algorithm", 0),
            0U);
  EXPECT_EQ(error("a = [1,").rfind("a.toml:1: ", 0), 0U);
}

TEST(Recipe, DeeplyNestedKeysAreRefusedWithTheStackWhole) {
  auto const nested = [](int depth) {
    std::string key = "a";
    for (int i = 0; i < depth; ++i) key += ".a";
    return error("[" + key + "]\nb = 1\n");
  };
  EXPECT_EQ(nested(100000), "a.toml: 100000 dots (at most 4096)");
  EXPECT_EQ(nested(4096),
            "a.toml:1: unknown key \"a.a.a.a.a.a.a.a.a ...\" (no setting's name is so deep)");
  EXPECT_EQ(error("a = " + std::string(100000, '[')).rfind("a.toml:1: ", 0), 0U);
  EXPECT_EQ(error(std::string(2 << 20, '#')), "a.toml: 2097152 bytes (at most 1048576)");
}

TEST(Recipe, NamesTheFirstDifference) {
  Recipe const r = recipe(kText);
  auto const difference = [&](std::vector<Override> const& overrides) {
    return first_difference(recipe(kText, overrides), r);
  };
  EXPECT_EQ(difference({{"total_steps", "5"}}), "");
  EXPECT_EQ(difference({{"num_envs", "64"}}), "num_envs = 64 (the run has 128)");
  EXPECT_EQ(difference({{"ppo.gamma", "0.75"}}), "ppo.gamma = 0.75 (the run has 0.5)");
  EXPECT_EQ(difference({{"parameters.force", "8"}}), "parameters.force = 8.0 (the run has 9.0)");
  EXPECT_EQ(difference({{"parameters.mass_pole", "0.2"}}),
            "parameters.mass_pole = 0.2 (the run has its default)");
}

TEST(Recipe, EveryRecipeOfTheHouseLoads) {
  auto const files = recipe_files();
  ASSERT_GE(files.size(), 7U);
  for (auto const& file : files) {
    Recipe const r = load_recipe(file, {});
    EXPECT_EQ(r.name, file.stem().string());
    EXPECT_FALSE(r.summary.empty()) << file;
    EXPECT_EQ(find_recipe(r.name), file);
  }
}

TEST(Recipe, IsFoundByPathRunAndName) {
  Scratch const s;
  write_text(s / "mine.toml", kText);
  std::filesystem::create_directory(s / "run");
  write_text(s / "run" / "config.toml", kText);
  EXPECT_EQ(find_recipe((s / "mine.toml").string()), s / "mine.toml");
  EXPECT_EQ(find_recipe((s / "run").string()), s / "run" / "config.toml");
  EXPECT_EQ(load_recipe(s / "run" / "config.toml", {}).name, "run");
  try {
    find_recipe("cartpol");
    FAIL() << "no error";
  } catch (ConfigError const& e) {
    EXPECT_STREQ(e.what(), "unknown recipe \"cartpol\" (did you mean \"cartpole\"?)");
  }
  try {
    find_recipe("no/such.toml");
    FAIL() << "no error";
  } catch (ConfigError const& e) {
    EXPECT_STREQ(e.what(), "no/such.toml: there is no such recipe");
  }
}

TEST(Overrides, TakeKeysWithTheirValues) {
  std::vector<std::string> positional;
  EXPECT_EQ(parse_overrides({"cartpole", "--seed", "3", "--ppo.gamma=0.5", "--stop_return", "-200"},
                            positional),
            (std::vector<Override>{{"seed", "3"}, {"ppo.gamma", "0.5"}, {"stop_return", "-200"}}));
  EXPECT_EQ(positional, std::vector<std::string>{"cartpole"});
  for (auto const& arguments : {std::vector<std::string>{"--seed"}, {"--seed", "--threads", "2"}}) {
    try {
      parse_overrides(arguments, positional);
      FAIL() << "no error";
    } catch (ConfigError const& e) {
      EXPECT_STREQ(e.what(), "command line: --seed has no value (needs --seed value)");
    }
  }
}

}  // namespace
}  // namespace loom
