#pragma once
// Dreamer: a world model learned from replay, an actor and a critic learned in its imagination.
// Source: Hafner, Pasukonis, Ba, Lillicrap 2023, "Mastering diverse domains through world models", in the
// authors' latest revision.
#include <kernels/core/graph.hpp>
#include <kernels/nn/adam.hpp>
#include <kernels/nn/laprop.hpp>
#include <learn/core/algorithm.hpp>
#include <learn/core/phase_clock.hpp>
#include <learn/core/sequence_replay.hpp>
#include <learn/dreamer/behaviour.hpp>
#include <learn/dreamer/config.hpp>
#include <learn/dreamer/latent_policy.hpp>
#include <learn/dreamer/world_model.hpp>
#include <memory>

namespace loom {

/// Every step of every instance is a record of the replay; so many records are learned from for each as
/// train_ratio says. Acting and one update are captured in CUDA graphs on a GPU.
class Dreamer final : public Algorithm {
 public:
  using Config = DreamerConfig;

  /// Throws ConfigError where sizes do not fit each other or the replay needs more memory than there is.
  Dreamer(Exec const& exec, VectorEnvConfig const& env, Config const& config);

  void collect() override;
  void update() override;
  std::int64_t env_steps() const override { return env_steps_; }
  /// As if every row were the first observation of an episode; a Player remembers.
  void act(InRows<float> observation, OutRows<float> action, ActMode mode) override;
  std::unique_ptr<Player> player(VectorEnv& env) override;
  std::string note() const override;
  Metrics metrics() override;
  Metrics work() const override;
  Metrics spent() const override { return spent_; }
  void save(Checkpoint& checkpoint) override;
  void load(Checkpoint const& checkpoint) override;

  std::int64_t updates() const { return updates_; }
  BehaviourShape const& shape() const { return shape_; }
  Parameters& world() { return world_.parameters; }
  Parameters& actor() { return actor_.parameters; }

 private:
  class LatentPlayer;
  /// An optimiser and what it moves.
  struct Learned {
    Learned(Exec const& exec, std::vector<ParameterShape> shapes, Config const& config, float rate);
    void step(Exec const& exec, int warm_up);
    In<float> norm() const { return laprop ? laprop->norm() : adam->norm(); }
    template <class F>
    void each_state(std::string const& name, F const& f);

    Parameters parameters;
    std::optional<LaProp> laprop;
    std::optional<Adam> adam;
    float rate;
    Buffer<float> learning_rate;
    Buffer<std::uint32_t> steps;
  };
  /// What stands between one step of the instances and the next.
  struct Instances {
    Instances(VectorEnv const& env, WorldShape const& shape);
    int count;
    Observer observer;
    Buffer<float> reward, first, last_reward, last_goes_on;
    Buffer<float> goes_on, zeros, ones;
    Buffer<std::uint8_t> ended;
  };

  ActionDraw how(ActMode mode) const {
    return {mode == ActMode::greedy && config_.evaluation == "mode", false};
  }
  /// Updates that so many steps ask for.
  std::int64_t due(std::int64_t env_steps) const;
  void step(Exec const& exec);
  void learn(Exec const& exec);
  void follow(Exec const& exec);
  /// f(name, view) for everything but parameters, replay and environments that a continuation needs.
  template <class F>
  void each_state(F const& f);

  Exec exec_;
  Config config_;
  VectorEnv env_;
  std::uint64_t seed_;
  BehaviourShape shape_;
  Learned world_, actor_, critic_;
  Parameters slow_critic_;
  SequenceReplay replay_;
  WorldModel model_;
  Behaviour behaviour_;
  LatentPolicy policy_;
  Instances instances_;
  Buffer<std::uint32_t> streams_, tick_;
  Buffer<float> dfeature_, loss_sums_;
  Graph collect_, update_, follow_;
  std::unique_ptr<LatentPolicy> rows_policy_;  // of act()
  std::uint32_t rows_acts_ = 0;
  std::int64_t env_steps_ = 0, updates_ = 0, measured_ = 0;
  Metrics spent_;
};

}  // namespace loom
