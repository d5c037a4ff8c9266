#pragma once
// A batch of randomised instances of one environment, on one Exec.
#include <cstdint>
#include <kernels/core/buffer.hpp>
#include <kernels/render/scene.hpp>
#include <sim/core/memory.hpp>
#include <sim/core/registry.hpp>
#include <sim/core/rollout.hpp>
#include <string>
#include <vector>

namespace loom {

/// What to draw for one named parameter (the environment's or a disturbance) at every reset; parameters
/// not named keep their default.
struct ParameterChoice {
  std::string name;
  Distribution distribution = Distribution::fixed;
  float a = 0, b = 0;
};

struct VectorEnvConfig {
  std::string name;
  int num_envs = 1;
  std::uint64_t seed = 0;
  int first_instance =
      0;  ///< global number of instance 0: a batch may be split without changing a bit
  std::vector<ParameterChoice> parameters = {};
  int max_steps = 0;   ///< time limit in steps of the environment; 0 its own
  int frame_skip = 1;  ///< steps of the environment for one action; rewards are summed
};

/// Statistics of the episodes that ended since they were last cleared.
struct EpisodeStatistics {
  std::int64_t episodes = 0;
  double mean_return = 0, mean_length = 0;  ///< 0 without episodes
  double mean_first_return = 0;             ///< of each instance's first episode since then
  int instances_finished = 0;               ///< instances with at least one
};

/// What a restored instance does for random numbers.
enum class Stream {
  resume,  ///< continues those of the saved instance
  fork     ///< keeps its own, so that many restores of one state go different ways
};

/// Saved instances, in tiles like the batch they came from.
struct Snapshot {
  int count = 0;
  Buffer<float> record, observation;
};

/// Observations, actions, rewards live in tiles of 64 instances, `[N/64][field][64]`, padded to
/// whole tiles; padding instances are stepped and never reported. Auto-reset happens in the step
/// that ends an episode: observation() is then the new episode's first, final_observation() the old
/// one's last.
class VectorEnv {
 public:
  /// Throws ConfigError for an unknown environment or parameter and for values outside the
  /// admissible range.
  VectorEnv(Exec const& exec, VectorEnvConfig config);

  EnvSpec const& spec() const { return *spec_; }
  VectorEnvConfig const& config() const { return config_; }
  Exec const& exec() const { return exec_; }
  int num_envs() const { return config_.num_envs; }
  int padded() const { return memory_.num_envs; }
  int observation_fields() const { return spec_->observation; }
  int action_fields() const { return spec_->actions.fields(); }
  /// The environment's own, then the disturbances.
  std::vector<ParamSpec> parameters() const { return parameters_of(*entry_); }

  /// Changes distributions for the episodes to come; parameters not named stay as they were. Throws
  /// ConfigError, as the constructor does, and has then changed nothing.
  void randomise(std::vector<ParameterChoice> const& choices);

  /// Starts every instance's current episode anew (the constructor has done so once).
  void reset();
  /// Steps with the actions in action(). Continuous actions are clipped to the space.
  void step() { step(exec_); }
  void step(Exec const& exec);
  /// Steps with uniform actions drawn inside the kernel.
  void step_random();

  /// out.steps fused steps with `policy` inside: the same environment bits as step() with the same
  /// actions. Throws ShapeError when the networks do not fit the spaces. Can be captured.
  void rollout(PolicyView const& policy, RolloutView const& out) { rollout(exec_, policy, out); }
  void rollout(Exec const& exec, PolicyView const& policy, RolloutView const& out);

  /// The kernels' view of this batch; what a rollout or a bonus kernel works on.
  EnvMemory const& memory() const { return memory_; }
  Tiles<float> action() const { return memory_.action; }
  Out<float> action_words() { return action_.out(); }
  In<float> observation() const { return observation_.in(); }
  In<float> final_observation() const { return final_observation_.in(); }
  In<float> reward() const { return reward_.in(); }
  In<std::uint8_t> terminated() const { return terminated_.in(); }
  In<std::uint8_t> truncated() const { return truncated_.in(); }

  /// Rows [num_envs][O], row-major, on the host.
  std::vector<float> host_observation() const;
  /// actions: [num_envs][A] row-major; discrete: [num_envs] indices as floats.
  void set_actions(std::vector<float> const& actions);
  /// One parameter of every instance, on the host.
  std::vector<float> host_parameter(std::string const& name) const;
  /// State fields [num_envs][S] row-major, on the host.
  std::vector<float> host_state() const;
  /// Overwrites state fields, [num_envs][S] row-major, and recomputes nothing else.
  void set_state(std::vector<float> const& state);

  EpisodeStatistics statistics() const;
  void clear_statistics();

  /// Pictures of the first n instances, drawn on this Exec.
  Buffer<Scene> draw(int n) const;
  /// The same of the first scenes.size instances, into memory of the caller's; padding may be drawn too.
  void draw(Exec const& exec, Out<Scene> scenes) const;
  /// step(), as step t of a rollout: actions are read from and results written to where `out` has room
  /// for them. Draws the last states of episodes that it ends, each into its own of
  /// last_scenes[padded()]; other scenes are left alone.
  void step_seen(Exec const& exec, RolloutView const& out, int t, Scene* last_scenes);

  /// Bit-exact copies of instances. ids: on the device, each in [0, padded()).
  Snapshot save(In<std::int32_t> ids) const;
  /// The same into a snapshot of as many instances of this environment: no allocation.
  void save(In<std::int32_t> ids, Snapshot& snapshot) const;
  /// Instance ids[j] becomes saved instance sources[j].
  void restore(In<std::int32_t> ids, Snapshot const& snapshot, In<std::int32_t> sources,
               Stream stream);

  /// Everything that changes, for a checkpoint: records and observations, padding included.
  std::vector<float> host_memory() const;
  /// Throws ShapeError when the size differs, IoError when a count or a delay is out of its range.
  void set_host_memory(std::vector<float> const& words);

 private:
  void check_and_fill_ranges();
  void check_record(In<float> record) const;
  std::vector<float> host_fields(int first, int count) const;

  Exec exec_;
  VectorEnvConfig config_;
  EnvEntry const* entry_;
  EnvSpec const* spec_;
  int record_fields_ = 0;
  bool disturbed_ = false;
  Buffer<float> record_, observation_, final_observation_, action_, reward_;
  Buffer<std::uint8_t> terminated_, truncated_;
  Buffer<ParameterRange> ranges_;
  EnvMemory memory_;
};

}  // namespace loom
