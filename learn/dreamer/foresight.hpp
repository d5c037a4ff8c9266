#pragma once
// What a model foresees where several things may come: whether its draws are those things or lie between them.
#include <learn/dreamer/dreamer.hpp>

namespace loom {

/// One step of several instances, with draws of the model's prior for it.
struct Foresight {
  int instances = 0, samples = 0, fields = 0, latent = 0;
  std::vector<float> observation;  ///< [instances][fields]: what comes
  std::vector<float> foreseen;     ///< [instances][samples][fields]: decoded from the prior's draws
  std::vector<float> prior;        ///< [instances][samples][latent]: these draws
  std::vector<float> posterior;    ///< [instances][latent]: a draw each once it has come
};

/// Plays `context` steps in a batch of the learner's environment and Exec, draws `samples` times an instance what
/// comes next, and lets it come. Throws ConfigError if an episode ends within these steps.
Foresight foresee(Dreamer& dreamer, VectorEnv& env, int context, int samples);

/// The different observations that come, most frequent first; at least 2 and at most 16.
struct Modes {
  std::vector<std::vector<float>> at;  ///< their fields
  std::vector<double> share;           ///< of the instances
  std::vector<int> of;                 ///< [instances]
  double apart = 0;                    ///< distance of the two that are nearest to each other
};
/// Throws ConfigError where there are fewer or more.
Modes modes_of(Foresight const& foresight);

/// How draws agree with what comes.
struct ForesightScore {
  std::vector<double> share;  ///< of draws within apart / 4 of each mode
  double neither = 0;         ///< of draws that are near none
  /// Mean over instances: the share of modes that get at least half of what is theirs among the instance's draws.
  double coverage = 0;
  /// Mean over instances of ln(density of what comes under the draws / density under the modes and their shares),
  /// every draw or mode the centre of a normal distribution of deviation apart / 8. 0: as one who knows them.
  double log_likelihood = 0;
};
ForesightScore score(Foresight const& foresight, Modes const& modes);

}  // namespace loom
