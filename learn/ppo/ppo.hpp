#pragma once
// Proximal policy optimisation. Source: Schulman et al. 2017, equations 7 and 9; details after Huang et al.
// 2022, "The 37 implementation details of proximal policy optimization".
#include <kernels/core/graph.hpp>
#include <kernels/nn/adam.hpp>
#include <kernels/nn/mlp.hpp>
#include <kernels/nn/ppo_loss.hpp>
#include <kernels/nn/running_norm.hpp>
#include <learn/core/algorithm.hpp>
#include <learn/core/parameters.hpp>
#include <learn/core/tape.hpp>
#include <learn/ppo/vision.hpp>
#include <optional>
#include <sim/core/vector_env.hpp>

namespace loom {

/// Collects T steps of every instance with the current policy, then E epochs over M minibatches of them.
/// Discrete actions: categorical; continuous: Gaussian with state-independent deviation. Separate networks
/// for policy and value. Both phases are captured in CUDA graphs on a GPU.
class Ppo final : public Algorithm {
 public:
  struct Config {
    int steps = 32;
    int epochs = 4;
    int minibatches = 4;
    float gamma = 0.99F;
    float lambda = 0.95F;
    float clip = 0.2F;
    bool value_clip = false;
    float entropy_coefficient = 0.01F;
    float value_coefficient = 0.5F;
    float max_grad_norm = 0.5F;
    float learning_rate = 2.5e-4F;
    std::int64_t anneal_steps = 0;
    float adam_epsilon = 1e-5F;
    bool normalise_advantage = true;
    bool normalise_observation = false;
    bool normalise_reward = false;
    bool bootstrap_truncated = true;
    std::vector<int> hidden = {64, 64};
    std::string activation = "tanh";
    float initial_log_std = 0.F;
    VisionConfig vision;

    void keys(Settings& s);
  };

  /// Throws ConfigError when the minibatches do not divide the batch.
  Ppo(Exec const& exec, VectorEnvConfig const& env, Config const& config);

  void collect() override;
  void update() override;
  std::int64_t env_steps() const override { return env_steps_; }
  void act(InRows<float> observation, OutRows<float> action, ActMode mode) override;
  std::unique_ptr<Player> player(VectorEnv& env) override;
  Metrics metrics() override;
  void save(Checkpoint& checkpoint) override;
  void load(Checkpoint const& checkpoint) override;

  VectorEnv const& env() const { return env_; }
  Parameters const& parameters() const { return parameters_; }

 private:
  /// One rollout in tiles of 64, [T][N/64][field][64]; N padded to whole tiles.
  struct Storage {
    Storage(Exec const& exec, VectorEnv const& env, int steps);
    RolloutView view();
    int steps;
    Buffer<float> observation, final_observation, action, log_prob, value, reward;
    Buffer<float> final_value, next_value, advantage, returns;
    Buffer<std::uint8_t> terminated, truncated;
    Buffer<std::int32_t> ended,
        num_ended;  // places of truncated episodes, ordered by (t, instance)
    Buffer<std::uint8_t> select_workspace;
  };
  /// One minibatch, row-major; its observations are the tape's input, or pixels.
  struct Minibatch {
    Minibatch(Exec const& exec, VectorEnv const& env, int rows, int batch, int pixel_bytes);
    int rows;
    Buffer<std::uint8_t> pixels;
    Buffer<float> action, log_prob, value, advantage, returns;
    Buffer<std::int32_t> order;  // (batch) places in Storage, shuffled every epoch
    Buffer<std::uint8_t> loss_workspace;
  };
  /// What changes from one replay of a graph to the next, in device memory.
  struct Words {
    explicit Words(Exec const& exec, float entropy);
    Buffer<std::uint32_t> updates, epochs;
    Buffer<float> learning_rate, entropy_coefficient, metrics, metric_sums;
  };

  void roll_out(Exec const& exec);
  void value_ends(Exec const& exec);
  void estimate_advantages(Exec const& exec);
  void learn(Exec const& exec);
  void gather(Exec const& exec, In<std::int32_t> places);
  void record_tape();
  void pack(Exec const& exec);
  /// Calls f(name, view) for everything but parameters and environments that a continuation needs.
  template <class F>
  void each_state(F const& f);
  int pixel_bytes() { return vision_ ? vision_->pixels().bytes() : 0; }
  PolicyView policy();
  ObservationNorm norm() const;

  Exec exec_;
  Config config_;
  VectorEnv env_;
  std::uint64_t seed_;
  std::optional<Vision> vision_;  // without one, networks read the state's numbers
  MlpShape actor_shape_, critic_shape_;
  Parameters parameters_;
  PackedMlp actor_, critic_;
  Storage storage_;
  Minibatch minibatch_;
  MlpTraining actor_training_, critic_training_;
  Adam adam_;
  RunningNorm observation_norm_, return_norm_;
  Buffer<float> discounted_return_;  // of every instance, carried over rollouts
  Words words_;
  GradientTape tape_;
  GradientTape::Value observation_, head_, value_;
  Graph collect_, update_;
  std::int64_t env_steps_ = 0;
  std::uint32_t acts_ = 0;
};

}  // namespace loom
