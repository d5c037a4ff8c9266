#pragma once
// Pictures of a batch as observations: the frames of a rollout, and stacks of them.
#include <kernels/render/frame_stack.hpp>
#include <kernels/render/raster.hpp>
#include <sim/core/vector_env.hpp>

namespace loom {

/// Bytes of pixels as an encoder reads them: byte / 255 + kPixelOffset.
inline constexpr float kPixelOffset = -0.5F;

struct PixelConfig {
  int size = 64;  ///< pixels a side
  int stack = 2;  ///< frames in an observation: motion cannot be seen in one
};

/// The frames of one rollout of T steps, on the Exec of the batch. Everything but the constructor may be
/// captured in a graph: no allocation, nothing read by the host.
///
/// An observation is NHWC bytes, size x size x (3 stack), newest frame first; frames from before an
/// episode are its first one.
class Pixels {
 public:
  /// Throws ConfigError for sizes that are no multiple of 4 or outside [4, 1024], stacks outside [1, 16],
  /// and T above the time limit: an episode's last picture is kept once an instance.
  Pixels(VectorEnv const& env, PixelConfig config, int steps);

  PixelConfig const& config() const { return config_; }
  int num_envs() const { return padded_; }
  int channels() const { return 3 * config_.stack; }
  /// Bytes of an observation.
  int bytes() const { return pixels_ * channels(); }

  /// A new rollout: its past is the end of the one before.
  void begin(Exec const& exec);
  /// Renders every instance as it is now, as time t in [0, T].
  void see(Exec const& exec, VectorEnv const& env, int t);
  /// Steps with the actions in env.action() (or out.action), as step t of a rollout, and keeps the last
  /// picture of every episode that it ends.
  void step(Exec const& exec, VectorEnv& env, RolloutView const& out, int t);

  /// Observations of places t * N + instance, N = num_envs(): (places, bytes()).
  void observe(Exec const& exec, In<std::int32_t> places, OutRows<std::uint8_t> observation) const;
  /// Observations of all instances at time t: (N, bytes()).
  void observe(Exec const& exec, int t, OutRows<std::uint8_t> observation) const;
  /// Last observations of the episodes of last_places(); rows of other instances are left alone.
  void observe_last(Exec const& exec, OutRows<std::uint8_t> observation) const;
  /// t * N + instance of the step that ran into the time limit, -1 where none did: (N).
  In<std::int32_t> last_places() const { return last_places_.in(); }

  /// Last pictures of the latest episode of every instance that has ended one: (N, pixels * 3).
  InRows<std::uint8_t> last_frames() const { return {last_frames_.data(), padded_, 3 * pixels_}; }

  /// After a rollout: the frames that the next one has as its past, all that a continuation bit for bit
  /// needs.
  Out<std::uint8_t> past();

 private:
  FrameHistory history() const;
  Out<std::uint8_t> frame(int slot);

  PixelConfig config_;
  int steps_, padded_, pixels_;
  Buffer<Scene> scenes_, last_scenes_;
  Buffer<std::uint8_t> frames_, last_frames_;
  Buffer<std::int32_t> age_, places_, last_places_;
};

/// age[i] = steps that instance i has taken in its episode.
void note_ages(Cpu exec, EnvMemory const& m, std::int32_t* age);
void note_ages(Gpu exec, EnvMemory const& m, std::int32_t* age);
/// No scene is drawn yet.
void skip_scenes(Cpu exec, int n, Scene* scenes);
void skip_scenes(Gpu exec, int n, Scene* scenes);
/// places[i] = time * N + i where the time limit ended instance i.
void note_truncated(Cpu exec, int n, int time, std::uint8_t const* truncated, std::int32_t* places);
void note_truncated(Gpu exec, int n, int time, std::uint8_t const* truncated, std::int32_t* places);
/// places[i] = -1.
void forget_places(Cpu exec, int n, std::int32_t* places);
void forget_places(Gpu exec, int n, std::int32_t* places);
/// to[places[i]] = from[i] where places[i] is not -1.
void scatter_places(Cpu exec, In<std::int32_t> places, In<float> from, Out<float> to);
void scatter_places(Gpu exec, In<std::int32_t> places, In<float> from, Out<float> to);

}  // namespace loom
