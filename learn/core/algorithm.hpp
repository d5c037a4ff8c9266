#pragma once
// What every learner offers the driver.
#include <functional>
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>
#include <learn/core/metrics.hpp>
#include <learn/core/settings.hpp>
#include <memory>
#include <sim/core/vector_env.hpp>
#include <string>
#include <utility>
#include <vector>

namespace loom {

class Checkpoint;

enum class ActMode { greedy, sample };

/// A policy at work in one batch of environments; it remembers of every instance what its policy needs:
/// frames before, a recurrent state.
class Player {
 public:
  virtual ~Player() = default;
  /// Actions for every instance as it stands, left in the batch's action(); the caller then steps it.
  virtual void act(ActMode mode) = 0;
};

/// A learner bound to one Exec and the environments it trains on.
class Algorithm {
 public:
  virtual ~Algorithm() = default;

  /// Gathers the experience of one iteration from its environments.
  virtual void collect() = 0;
  /// Learns from what was gathered.
  virtual void update() = 0;
  /// Environment steps taken so far, over all instances.
  virtual std::int64_t env_steps() const = 0;

  /// observation: (rows, spec.observation_size) row-major; action: (rows, spec.action_size)
  /// row-major, for discrete actions their index as a float. Both on the learner's Exec.
  /// Throws ConfigError where rows of numbers are not what the policy sees: a Player always works.
  virtual void act(InRows<float> observation, OutRows<float> action, ActMode mode) = 0;
  /// The policy in a batch of the same environment and Exec; both must outlive it. By default act() on
  /// the rows of observations.
  virtual std::unique_ptr<Player> player(VectorEnv& env);

  /// What a user should know before training starts, in one line: a slower path than was asked for. Empty:
  /// nothing.
  virtual std::string note() const { return {}; }

  /// Name and value of everything measured since the last call: losses, returns, rates.
  virtual Metrics metrics() = 0;
  /// What has been done so far beside environment steps, counted: the driver's log has rates of it.
  virtual Metrics work() const { return {}; }
  /// Seconds that this process has spent in the parts of update(), of those that can be told apart: on a GPU they
  /// are one graph. Never part of a checkpoint.
  virtual Metrics spent() const { return {}; }

  /// Everything that a bit-for-bit continuation needs.
  virtual void save(Checkpoint& checkpoint) = 0;
  /// Throws IoError when a tensor is missing or has another shape.
  virtual void load(Checkpoint const& checkpoint) = 0;
};

/// One algorithm: its name, one line about it, its settings and how to make it.
struct AlgorithmEntry {
  std::string name, summary;
  /// Fresh settings with the defaults; `keys` binds them, `make` builds the learner from them.
  struct Prepared {
    std::shared_ptr<void> config;
    Settings keys;
    std::function<std::unique_ptr<Algorithm>(Exec const&, VectorEnvConfig const&)> make;
  };
  std::function<Prepared()> prepare;
};

/// Every algorithm of the library, sorted by name.
std::vector<AlgorithmEntry const*> algorithms();
/// Throws ConfigError with the nearest name.
AlgorithmEntry const& find_algorithm(std::string const& name);

/// An entry for a class with `struct Config { void keys(Settings&); }` and a constructor
/// (Exec const&, VectorEnvConfig const&, Config const&).
template <class A>
AlgorithmEntry algorithm_entry(std::string name, std::string summary) {
  return {std::move(name), std::move(summary), [] {
            auto config = std::make_shared<typename A::Config>();
            AlgorithmEntry::Prepared p;
            p.config = config;
            config->keys(p.keys);
            p.make = [config](Exec const& exec,
                              VectorEnvConfig const& env) -> std::unique_ptr<Algorithm> {
              return std::make_unique<A>(exec, env, *config);
            };
            return p;
          }};
}

}  // namespace loom

/// Defines this file's registry entry; LOOM_STEM, the folder's name, comes from the build.
#define LOOM_ALGORITHM(name, Type, summary)                                           \
  namespace loom::algorithm_registry {                                                \
  AlgorithmEntry const& LOOM_STEM() {                                                 \
    static AlgorithmEntry const entry = ::loom::algorithm_entry<Type>(name, summary); \
    return entry;                                                                     \
  }                                                                                   \
  }                                                                                   \
  static_assert(true)
