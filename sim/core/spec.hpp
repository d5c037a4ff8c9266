#pragma once
// What an environment says about itself: spaces, time limit, and every physical constant by name.
#include <kernels/core/machine.hpp>

namespace loom {

inline constexpr int kMaxObservation = 64;
inline constexpr int kMaxAction = 16;
inline constexpr int kMaxParameters = 1024;
inline constexpr float kUnbounded = __builtin_huge_valf();

/// Actions 0 ... count - 1.
struct Discrete {
  int count;
};
/// Real actions; every dimension within [low, high], clipped before use.
struct Continuous {
  int size;
  float low, high;
};

struct ActionSpace {
  bool discrete;
  int size;  ///< number of choices, or of dimensions
  float low, high;
  constexpr ActionSpace(Discrete d)
      : discrete(true), size(d.count), low(0), high(static_cast<float>(d.count - 1)) {}
  constexpr ActionSpace(Continuous c) : discrete(false), size(c.size), low(c.low), high(c.high) {}
  /// Words that one action takes in memory.
  HD constexpr int fields() const { return discrete ? 1 : size; }
};

struct EnvSpec {
  char const* name;
  char const* summary;
  ActionSpace actions;
  int observation;  ///< fields of an observation
  int max_steps;    ///< truncated after so many
  float observation_low[kMaxObservation] = {};
  float observation_high[kMaxObservation] = {};
  char const* source = "";
  bool goal = false;  ///< termination is success: evaluations report the share of such episodes
};

/// A named physical constant: its default and the range in which the environment is meaningful.
struct ParamSpec {
  struct Range {
    float low, high;
  };
  char const* name;
  float value;
  char const* unit;
  Range admissible;
};

/// How one parameter is chosen at every reset.
enum class Distribution : std::int32_t { fixed, uniform, log_uniform, normal };

/// fixed: a. uniform, log_uniform: between a and b. normal: mean a, deviation b, clipped to [low,
/// high].
struct ParameterRange {
  Distribution distribution;
  float a, b;
  float low, high;
};

}  // namespace loom
