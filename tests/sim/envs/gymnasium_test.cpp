// Truth from outside: one step from 10,000 states against Gymnasium in double precision, its
// spaces, its limits, and the returns of a random policy.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <tests/sim/envs/one_step.hpp>

namespace loom {
namespace {

constexpr double kTolerance = 2e-6;  // one step's rounding, relative to max(1, |x|)

constexpr double kBoundary = 5e-7;  // a float at 2.4 is 1.2e-7 from its neighbour

/// The text behind `keys`, each looked for behind the one before: enough for our own JSON file.
std::string json_after(std::vector<std::string> const& keys) {
  std::ifstream file(Fixture::folder() + "gymnasium/spaces.json");
  std::stringstream text;
  text << file.rdbuf();
  std::string const all = text.str();
  std::size_t at = 0;
  for (std::string const& k : keys) at = std::min(all.find('"' + k + '"', at), all.size());
  EXPECT_LT(at, all.size()) << keys.back();
  return all.substr(std::min(all.find(':', at), all.size()));
}

double json_number(std::vector<std::string> const& keys) {
  std::string const text = json_after(keys);
  return std::stod(text.substr(text.find_first_of("-0123456789")));
}

/// Item i of a list, as its text.
std::string json_item(std::vector<std::string> const& keys, int i) {
  std::stringstream text(json_after(keys));
  std::string item;
  std::getline(text, item, '[');
  for (int k = 0; k <= i; ++k) std::getline(text >> std::ws, item, ',');
  return item.substr(0, item.find_first_of(" \n]"));
}

TEST(CartPole, StepsAsGymnasium) {
  Fixture const f("gymnasium/cartpole");
  std::vector<float> const state = f.floats("state");
  std::vector<double> const next = f.vector("next_state"), margin = f.vector("margin");
  std::vector<std::uint8_t> const action = f.flags("action"), terminated = f.flags("terminated");
  int const n = static_cast<int>(action.size());
  for (Exec const& exec : every_exec()) {
    VectorEnv env(exec, {.name = "CartPole", .num_envs = n});
    env.set_state(state);
    env.set_actions({action.begin(), action.end()});
    env.step();
    std::vector<float> const now = env.host_observation();
    std::vector<float> last = download(exec, env.final_observation());
    std::vector<std::uint8_t> const ended = download(exec, env.terminated());
    std::vector<float> const reward = download(exec, env.reward());
    double worst = 0;
    int boundary = 0, wrong_ends = 0;
    for (int i = 0; i < n; ++i) {
      auto const at = static_cast<std::size_t>(i);
      for (int k = 0; k < 4; ++k) {
        // Where the episode ended, the step's result is the final observation.
        float const got = ended[at] != 0 ? Tiles<float>{last.data(), 4}.at(k, i)
                                         : now[4 * at + static_cast<std::size_t>(k)];
        worst = std::max(worst, error(got, next[4 * at + static_cast<std::size_t>(k)]));
      }
      EXPECT_EQ(reward[at], 1);
      // A state this near to a bound may fall on either side of it: counted apart.
      if (std::abs(margin[at]) < kBoundary)
        ++boundary;
      else
        wrong_ends += ended[at] != terminated[at];
    }
    EXPECT_LT(worst, kTolerance);
    EXPECT_EQ(wrong_ends, 0);
    EXPECT_LT(boundary, n / 10);  // the fixture crowds states around the bounds on purpose
    std::cout << "CartPole: worst error " << worst << ", " << boundary << " boundary cases of " << n
              << "\n";
  }
}

TEST(Pendulum, StepsAsGymnasium) {
  Fixture const f("gymnasium/pendulum");
  std::vector<float> const state = f.floats("state"), action = f.floats("action");
  std::vector<double> const next = f.vector("next_state"), reward = f.vector("reward"),
                            observation = f.vector("next_observation");
  auto const n = action.size();
  std::vector<float> mine;
  for (std::size_t i = 0; i < n; ++i)
    mine.insert(mine.end(), {state[2 * i], state[2 * i + 1], 0.F});
  for (Exec const& exec : every_exec()) {
    VectorEnv env(exec, {.name = "Pendulum", .num_envs = static_cast<int>(n)});
    env.set_state(mine);
    env.set_actions(action);
    env.step();
    std::vector<float> const got = env.host_state(), seen = env.host_observation();
    std::vector<float> const paid = download(exec, env.reward());
    double worst = 0;
    int boundary = 0;
    for (std::size_t i = 0; i < n; ++i) {
      worst = std::max(
          {worst, angle_error(got[3 * i], next[2 * i]), error(got[3 * i + 1], next[2 * i + 1])});
      for (std::size_t k = 0; k < 3; ++k)
        worst = std::max(worst, error(seen[3 * i + k], observation[3 * i + k]));
      // At +-pi the squared angle is the same from both sides: no boundary to count there.
      worst = std::max(worst, error(paid[i], reward[i]));
      boundary += std::abs(std::abs(std::remainder(state[2 * i], 2 * M_PI)) - M_PI) < 1e-5;
    }
    EXPECT_LT(worst, kTolerance);
    std::cout << "Pendulum: worst error " << worst << ", " << boundary << " angles at the seam of "
              << n << "\n";
  }
}

/// Every environment that follows one of Gymnasium's.
constexpr std::pair<char const*, char const*> kTwins[] = {
    {"CartPole", "CartPole-v1"},
    {"Pendulum", "Pendulum-v1"},
    {"Acrobot", "Acrobot-v1"},
    {"MountainCar", "MountainCar-v0"},
    {"MountainCarContinuous", "MountainCarContinuous-v0"}};

TEST(EveryEnv, HasTheSpacesAndLimitsOfGymnasium) {
  for (auto const& [name, id] : kTwins) {
    EnvSpec const& spec = find_environment(name).spec();
    EXPECT_EQ(spec.max_steps, json_number({id, "max_episode_steps"})) << name;
    EXPECT_EQ(spec.observation, json_number({id, "observation", "shape"})) << name;
    for (int f = 0; f < spec.observation; ++f) {
      std::string const low = json_item({id, "observation", "low"}, f),
                        high = json_item({id, "observation", "high"}, f);
      // JSON has no infinity: null.
      float const unbounded = kUnbounded;
      EXPECT_FLOAT_EQ(spec.observation_low[f], low == "null" ? -unbounded : std::stof(low)) << name;
      EXPECT_FLOAT_EQ(spec.observation_high[f], high == "null" ? unbounded : std::stof(high))
          << name;
    }
    if (spec.actions.discrete) {
      EXPECT_EQ(spec.actions.size, json_number({id, "action", "n"})) << name;
    } else {
      EXPECT_EQ(spec.actions.size, json_number({id, "action", "shape"})) << name;
      EXPECT_EQ(spec.actions.low, json_number({id, "action", "low"})) << name;
      EXPECT_EQ(spec.actions.high, json_number({id, "action", "high"})) << name;
    }
  }
}

TEST(CartPole, FallingAtTheTimeLimitIsAnEndOfTheTask) {
  // Gymnasium reports both flags there; ours are exclusive, `terminated` wins, so nothing is
  // bootstrapped.
  VectorEnv env(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 2, .max_steps = 1});
  env.set_state({0, 0, 0, 0, 2.399F, 5, 0, 0});
  env.set_actions({0, 0});
  env.step();
  EXPECT_EQ(download(env.exec(), env.terminated())[0], 0);
  EXPECT_EQ(download(env.exec(), env.truncated())[0], 1);
  EXPECT_EQ(download(env.exec(), env.terminated())[1], 1);
  EXPECT_EQ(download(env.exec(), env.truncated())[1], 0);
}

/// Mean return of every instance's first episode.
double first_episodes(VectorEnv& env, bool zero_action) {
  for (int t = 0; t < env.memory().max_steps; ++t) {
    if (zero_action)
      env.step();
    else
      env.step_random();
  }
  EpisodeStatistics const s = env.statistics();
  EXPECT_EQ(s.instances_finished, env.num_envs());
  return s.mean_first_return;
}

TEST(EveryEnv, PaysARandomPolicyWhatGymnasiumPays) {
  struct Case {
    char const *env, *id, *policy;
  };
  for (Case const& c : {Case{"CartPole", "CartPole-v1", "random_policy"},
                        Case{"Acrobot", "Acrobot-v1", "random_policy"},
                        Case{"MountainCar", "MountainCar-v0", "random_policy"},
                        Case{"MountainCarContinuous", "MountainCarContinuous-v0", "random_policy"},
                        Case{"Pendulum", "Pendulum-v1", "uniform_torque"},
                        Case{"Pendulum", "Pendulum-v1", "zero_torque"}}) {
    int const n = 20000;
    VectorEnv env(Exec{Cpu{}}, {.name = c.env, .num_envs = n, .seed = 11});
    double const got = first_episodes(env, std::string(c.policy) == "zero_torque");
    double const want = json_number({c.id, c.policy, "mean"});
    double const sd = json_number({c.id, c.policy, "standard_deviation"});
    double const theirs = json_number({c.id, c.policy, "standard_error"});
    EXPECT_NEAR(got, want, 3 * std::hypot(sd / std::sqrt(n), theirs)) << c.env << ", " << c.policy;
  }
}

}  // namespace
}  // namespace loom
