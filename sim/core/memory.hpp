#pragma once
// Where instances live: one record an instance, in tiles of 64.
#include <kernels/core/view.hpp>
#include <sim/core/spec.hpp>

namespace loom {

/// Fields of a record behind state and parameters. Integers lie bit for bit in the float array.
enum class Book : int {
  step,     ///< int: steps taken in this episode
  tick,     ///< uint: steps ever taken: the clock of the instance's random numbers
  stream,   ///< uint: which random stream; the global instance number unless restored otherwise
  episode,  ///< uint: episodes begun before this one
  episode_return,   ///< float: reward so far in this episode
  finished,         ///< int: episodes finished since the statistics were cleared
  finished_return,  ///< float: their returns, summed
  finished_length,  ///< int: their lengths, summed
  first_return,     ///< float: return of the first of them
  count
};

/// Everything the kernels of an environment work on. Trivially copyable; the memory is VectorEnv's.
struct EnvMemory {
  Tiles<float> record;       ///< [N/64][state + params + Book + disturbances][64]
  Tiles<float> observation;  ///< [N/64][O][64]: what the policy sees next
  Tiles<float>
      final_observation;    ///< [N/64][O][64]: last observation of episodes that ended this step
  Tiles<float> action;      ///< [N/64][A][64]; discrete actions are int32 bit for bit
  float* reward = nullptr;  ///< [N]
  std::uint8_t* terminated = nullptr;      ///< [N]
  std::uint8_t* truncated = nullptr;       ///< [N], only where not terminated
  ParameterRange const* ranges = nullptr;  ///< [P + kDisturbances]
  std::uint64_t seed = 0;
  int num_envs = 0;        ///< padded to whole tiles
  int instances = 0;       ///< those that count; the padding may be stepped along
  int max_steps = 0;       ///< of the agent
  int frame_skip = 1;      ///< steps of the environment for one of the agent
  int book = 0;            ///< first Book field
  bool disturbed = false;  ///< records have fields for disturbances
};

}  // namespace loom
