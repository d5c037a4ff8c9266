#include <learn/core/settings.hpp>
#include <tests/learn/core/scratch.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>

namespace loom {
namespace {

struct Config {
  bool normalise = true;
  int epochs = 4;
  std::int64_t steps = 1000000;
  std::uint64_t seed = 1;
  float gamma = 0.99F;
  double epsilon = 1e-8;
  std::string optimiser = "adam";
  std::string name;
  std::vector<int> hidden{64, 64};
  std::vector<float> scales{0.5F, 1};

  void keys(Settings& s) {
    s.key("name", name, "of the run");
    s.section("ppo");
    s.key("normalise", normalise, "advantages");
    s.key("epochs", epochs, "passes over a batch", between(1, 100));
    s.key("steps", steps, "environment steps", at_least(1));
    s.key("seed", seed, "of everything random");
    s.key("gamma", gamma, "discount", between(0, 0.999));
    s.key("epsilon", epsilon, "of Adam", above(0));
    s.key("optimiser", optimiser, "of all parameters", one_of({"adam", "adamw"}));
    s.key("hidden", hidden, "widths", between(1, 256));
    s.key("scales", scales, "of the bonuses");
  }
};

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() { config.keys(settings); }
  std::string text_error(std::string const& key, std::string const& text) {
    return message_of<ConfigError>([&] { settings.set_text(key, text); });
  }
  std::string file_error(std::string const& key, SettingValue const& value) {
    return message_of<ConfigError>([&] { settings.set(key, value, "a.toml"); });
  }

  Config config;
  Settings settings;
};

TEST_F(SettingsTest, TakesTextOfEveryType) {
  settings.set_text("ppo.normalise", "false");
  settings.set_text("ppo.epochs", "7");
  settings.set_text("ppo.steps", "2e9");
  settings.set_text("seed", "12_345");
  settings.set_text("gamma", "0.5");
  settings.set_text("epsilon", "+1e-5");
  settings.set_text("optimiser", "adamw");
  settings.set_text("name", "a b");
  settings.set_text("hidden", "32,16");
  settings.set_text("scales", "[1, 2.5]");
  EXPECT_FALSE(config.normalise);
  EXPECT_EQ(config.epochs, 7);
  EXPECT_EQ(config.steps, 2000000000);
  EXPECT_EQ(config.seed, 12345U);
  EXPECT_EQ(config.gamma, 0.5F);
  EXPECT_EQ(config.epsilon, 1e-5);
  EXPECT_EQ(config.optimiser, "adamw");
  EXPECT_EQ(config.name, "a b");
  EXPECT_EQ(config.hidden, (std::vector<int>{32, 16}));
  EXPECT_EQ(config.scales, (std::vector<float>{1, 2.5F}));
  settings.set_text("hidden", "[]");
  EXPECT_TRUE(config.hidden.empty());
}

TEST_F(SettingsTest, TakesValuesOfEveryType) {
  settings.set("ppo.normalise", false, "a.toml");
  settings.set("ppo.epochs", 7.0, "a.toml");  // 7.0 and 1e6 are whole numbers
  settings.set("ppo.gamma", std::int64_t{0}, "a.toml");
  settings.set("name", std::string("x"), "a.toml");
  settings.set("ppo.hidden", std::vector<std::int64_t>{8}, "a.toml");
  settings.set("ppo.scales", std::vector<std::int64_t>{3}, "a.toml");
  EXPECT_FALSE(config.normalise);
  EXPECT_EQ(config.epochs, 7);
  EXPECT_EQ(config.gamma, 0);
  EXPECT_EQ(config.name, "x");
  EXPECT_EQ(config.hidden, std::vector<int>{8});
  EXPECT_EQ(config.scales, std::vector<float>{3});
}

TEST_F(SettingsTest, SaysInOneLineWhatWasGivenAndWhatIsAllowed) {
  EXPECT_EQ(text_error("ppo.gamma", "1.5"),
            "command line: ppo.gamma = 1.5 (needs a number from 0 to 0.999)");
  EXPECT_EQ(text_error("ppo.epsilon", "0"),
            "command line: ppo.epsilon = 0 (needs a number above 0)");
  EXPECT_EQ(text_error("ppo.epochs", "many"),
            "command line: ppo.epochs = many (needs an integer from 1 to 100)");
  EXPECT_EQ(text_error("ppo.steps", ""),
            "command line: ppo.steps = \"\" (needs an integer of at least 1)");
  EXPECT_EQ(text_error("ppo.normalise", "yes"),
            "command line: ppo.normalise = yes (needs true or false)");
  EXPECT_EQ(text_error("ppo.optimiser", "sgd"),
            "command line: ppo.optimiser = sgd (needs one of adam, adamw)");
  EXPECT_EQ(text_error("ppo.hidden", "64,0"),
            "command line: ppo.hidden = 64,0 (needs a list, each an integer from 1 to 256)");
  EXPECT_EQ(file_error("ppo.gamma", std::string("high")),
            "a.toml: ppo.gamma = \"high\" (needs a number from 0 to 0.999)");
  EXPECT_EQ(file_error("ppo.epochs", 2.5),
            "a.toml: ppo.epochs = 2.5 (needs an integer from 1 to 100)");
  EXPECT_EQ(file_error("name", true), "a.toml: name = true (needs text)");
  EXPECT_EQ(file_error("ppo.hidden", std::int64_t{64}),
            "a.toml: ppo.hidden = 64 (needs a list, each an integer from 1 to 256)");
}

TEST_F(SettingsTest, SuggestsTheNearestKey) {
  EXPECT_EQ(text_error("ppo.gama", "1"),
            "command line: unknown key \"ppo.gama\" (did you mean \"ppo.gamma\"?)");
  EXPECT_EQ(text_error("gama", "1"),
            "command line: unknown key \"gama\" (did you mean \"gamma\"?)");
  EXPECT_EQ(text_error("temperature", "1"),
            "command line: unknown key \"temperature\" (--help lists the keys)");
  EXPECT_EQ(file_error("gamma", 0.5), "a.toml: key \"gamma\" without its table (needs ppo.gamma)");
}

TEST_F(SettingsTest, LeavesTheVariableAloneWhenTheValueIsRefused) {
  text_error("hidden", "8,9,1000");
  text_error("gamma", "2");
  EXPECT_EQ(config.hidden, (std::vector<int>{64, 64}));
  EXPECT_EQ(config.gamma, 0.99F);
}

TEST_F(SettingsTest, RefusesNumbersThatDoNotFitTheType) {
  for (char const* text : {"nan", "inf", "-1", "1e30", "9223372036854775808", "1.5", "0x10", "1_",
                           "_1", "1__0", "+-1", "1 2", "--1"}) {
    EXPECT_NE(text_error("seed", text), "no error") << text;
  }
  for (char const* text : {"nan", "inf", "1e400", "", "1.0f"}) {
    EXPECT_NE(text_error("epsilon", text), "no error") << text;
  }
  for (char const* text : {"1,", ",1", "1,,2", "[1", "1]", "[[1]]", "1;2"}) {
    EXPECT_NE(text_error("hidden", text), "no error") << text;
  }
  settings.set_text("seed", "9223372036854775807");
  EXPECT_EQ(config.seed, 9223372036854775807U);
  EXPECT_NE(text_error("gamma", "1e39"), "no error");  // no float
}

TEST(Settings, ComparesAFloatWithItsLimitInFloat) {
  float x = 0.5F;
  Settings settings;
  settings.key("x", x, "", between(0.1, 0.99));
  settings.set_text("x", "0.99");  // 0.99F > 0.99
  EXPECT_EQ(x, 0.99F);
  settings.set_text("x", "0.1");
  EXPECT_EQ(x, 0.1F);
}

TEST_F(SettingsTest, WritesTomlInTableOrder) {
  config.name = "a \"b\"\n\x01";
  EXPECT_EQ(settings.toml(),
            "name = \"a \\\"b\\\"\\n\\u0001\"\n"
            "\n[ppo]\n"
            "normalise = true\n"
            "epochs = 4\n"
            "steps = 1000000\n"
            "seed = 1\n"
            "gamma = 0.99\n"
            "epsilon = 1e-08\n"
            "optimiser = \"adam\"\n"
            "hidden = [64, 64]\n"
            "scales = [0.5, 1.0]\n");
}

TEST(Settings, WritesFloatsThatReadBackBitForBit) {
  float x = 0;
  Settings settings;
  settings.key("x", x, "");
  for (std::uint32_t bits = 1; bits < 0x7F800000U; bits += 104729) {
    float const value = std::bit_cast<float>(bits);
    x = value;
    std::string const text = settings.keys()[0].text();
    x = 0;
    settings.set("x", std::strtod(text.c_str(), nullptr), "a.toml");
    ASSERT_EQ(x, value) << text;
  }
}

TEST(Settings, PutsTopLevelKeysBeforeTheTables) {
  int a = 1, b = 2;
  Settings inner, outer;
  inner.key("b", b, "second");
  outer.add(inner, "table");
  outer.key("a", a, "first");
  EXPECT_EQ(outer.toml(), "a = 1\n\n[table]\nb = 2\n");
  outer.set_text("b", "5");
  EXPECT_EQ(b, 5);
}

TEST(Settings, ListsEveryKeyInHelp) {
  float gamma = 0.99F;
  int epochs = 4;
  Settings settings;
  settings.key("gamma", gamma, "discount", between(0, 1));
  settings.key("epochs", epochs, "passes", at_least(1));
  EXPECT_EQ(settings.help(),
            "  --gamma 0.99  discount (a number from 0 to 1)\n"
            "  --epochs 4    passes (an integer from 1 to 2147483647)\n");
}

TEST(Settings, RefusesABadTable) {
  int a = 1;
  float b = 2;
  Settings settings;
  settings.key("a", a, "");
  EXPECT_EQ(message_of<ConfigError>([&] { settings.key("a", a, ""); }),
            "settings: the key a is there twice");
  EXPECT_EQ(message_of<ConfigError>([&] { settings.key("b", b, "", between(0, 1)); }),
            "default: b = 2.0 (needs a number from 0 to 1)");
}

TEST(Settings, AsksForTheTableWhenAShortNameIsAmbiguous) {
  int a = 1, b = 2;
  Settings one, two, all;
  one.key("size", a, "");
  two.key("size", b, "");
  all.add(one, "one");
  all.add(two, "two");
  EXPECT_EQ(message_of<ConfigError>([&] { all.set_text("size", "3"); }),
            "command line: key \"size\" without its table (needs one.size or two.size)");
}

}  // namespace
}  // namespace loom
