// Same seed, same bits: for any lane width, thread count, batch split, resume point, optimisation
// level and device. The hashes stand in tests/golden, so that builds which cannot meet in one
// process agree too.
#include <cmath>
#include <fstream>
#include <kernels/core/thread_pool.hpp>
#include <sim/core/vector_env.hpp>
#include <tests/device.hpp>
#include <tests/sha256.hpp>
#include <tests/sim/core/every_env.hpp>

namespace loom {
namespace {

constexpr int kInstances = 1000, kSteps = 10000, kEvery = 500;

/// Every parameter uniform within 10 % of its default, inside what is admissible.
VectorEnvConfig randomised(EnvEntry const& entry, int first, int n) {
  VectorEnvConfig config{
      .name = entry.spec().name, .num_envs = n, .seed = 20240229, .first_instance = first};
  for (int p = 0; p < entry.cpu->num_parameters; ++p) {
    ParamSpec const& s = entry.cpu->parameters[p];
    float const low = std::fmax(s.admissible.low, std::fmin(0.9F * s.value, 1.1F * s.value));
    float const high = std::fmin(s.admissible.high, std::fmax(0.9F * s.value, 1.1F * s.value));
    config.parameters.push_back({s.name, Distribution::uniform, low, high});
  }
  return config;
}

/// One row an instance: state, parameters, counters, observation, reward, flags; NaN made
/// canonical.
using Rows = std::vector<std::vector<std::uint32_t>>;

Rows rows_of(VectorEnv const& env) {
  std::vector<float> memory = env.host_memory();
  std::vector<float> const reward = download(env.exec(), env.reward());
  std::vector<std::uint8_t> const terminated = download(env.exec(), env.terminated());
  std::vector<std::uint8_t> const truncated = download(env.exec(), env.truncated());
  int const fields = env.memory().record.fields, o = env.observation_fields();
  Tiles<float> const record{memory.data(), fields};
  Tiles<float> const observation{memory.data() + env.padded() * fields, o};
  int const book = env.memory().book, statistics = book + static_cast<int>(Book::finished);
  int const tail = book + static_cast<int>(Book::count);
  Rows rows(static_cast<std::size_t>(env.num_envs()));
  for (int i = 0; i < env.num_envs(); ++i) {
    auto& row = rows[static_cast<std::size_t>(i)];
    auto add = [&](float x) { row.push_back(std::isnan(x) ? 0x7fc00000U : as_uint(as_int(x))); };
    for (int f = 0; f < fields; ++f)
      if (f < statistics || f >= tail) add(record.at(f, i));
    for (int f = 0; f < o; ++f) add(observation.at(f, i));
    auto const at = static_cast<std::size_t>(i);
    add(reward[at]);
    row.push_back(terminated[at] | truncated[at] << 1U);
  }
  return rows;
}

/// Runs `envs`, which hold instances 0, 1, ... in order, and hashes all rows every 500 steps.
struct Batches {
  std::vector<VectorEnv> envs;
  std::vector<std::uint8_t> bytes;

  void advance(int steps, int every) {
    for (int t = 1; t <= steps; ++t) {
      for (VectorEnv& e : envs) e.step_random();
      if (t % every != 0) continue;
      for (VectorEnv& e : envs)
        for (auto const& row : rows_of(e))
          for (std::uint32_t const word : row)
            for (int b = 0; b < 4; ++b) bytes.push_back(static_cast<std::uint8_t>(word >> (8 * b)));
    }
  }
  std::string hash() const { return sha256(bytes); }
};

std::string hash_of(EnvEntry const& entry, Exec const& exec, int parts = 1) {
  Batches run;
  for (int p = 0; p < parts; ++p)
    run.envs.emplace_back(exec, randomised(entry, p * (kInstances / parts), kInstances / parts));
  run.advance(kSteps, kEvery);
  return run.hash();
}

std::string golden(EnvEntry const& entry) {
  std::string const path =
      std::string(DREAMLOOM_SOURCE_DIR "/tests/golden/") + entry.stem + ".sha256";
  std::ifstream file(path);
  std::string text;
  EXPECT_TRUE(file >> text) << path << " is missing";
  return text;
}

TEST(Sha256, MatchesThePublishedVector) {
  EXPECT_EQ(sha256({'a', 'b', 'c'}),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_P(EveryEnv, HasTheSameBitsWhateverTheLaneWidth) {
  for (int const lanes : {0, 8, 1})
    EXPECT_EQ(hash_of(GetParam(), Exec{Cpu{nullptr, lanes}}), golden(GetParam()))
        << "lanes = " << lanes;
}

TEST_P(EveryEnv, HasTheSameBitsWhateverTheNumberOfThreads) {
  ThreadPool two(2), three(3);
  for (ThreadPool* const pool : {&two, &three})
    EXPECT_EQ(hash_of(GetParam(), Exec{Cpu{pool}}), golden(GetParam()))
        << pool->threads() << " threads";
}

TEST_P(EveryEnv, HasTheSameBitsHoweverTheBatchIsSplit) {
  EXPECT_EQ(hash_of(GetParam(), Exec{Cpu{}}, 10), golden(GetParam()));
}

TEST_P(EveryEnv, HasTheSameBitsWhenResumedFromASnapshotHalfway) {
  EnvEntry const& e = GetParam();
  std::vector<std::int32_t> ids(kInstances);
  for (int i = 0; i < kInstances; ++i) ids[static_cast<std::size_t>(i)] = i;
  Batches first, second;
  first.envs.emplace_back(Exec{Cpu{}}, randomised(e, 0, kInstances));
  first.advance(kSteps / 2, kEvery);
  Snapshot const saved = first.envs[0].save(ids);
  // Another batch of other instances: whatever it has done before must leave no trace.
  VectorEnvConfig const other = randomised(e, 77777, kInstances);
  second.envs.emplace_back(Exec{Cpu{}}, other);
  second.envs[0].step_random();
  second.envs[0].restore(ids, saved, ids, Stream::resume);
  second.bytes = first.bytes;
  second.advance(kSteps / 2, kEvery);
  EXPECT_EQ(second.hash(), golden(e));
}

#if DREAMLOOM_WITH_CUDA
TEST_P(EveryEnv, HasTheSameBitsOnTheDevice) {
  SKIP_WITHOUT_DEVICE();
  std::string hash[2];
  for (int k = 0; k < 2; ++k) {
    Batches run;
    run.envs.emplace_back(k == 0 ? Exec{Cpu{}} : Exec{Gpu{}}, randomised(GetParam(), 0, 64));
    run.advance(500, 50);
    hash[k] = run.hash();
  }
  EXPECT_EQ(hash[0], hash[1]);
}
#endif

}  // namespace
}  // namespace loom
