#pragma once
// What a model makes of the world, and how long its dreams stay true: for people who look at it.
#include <learn/dreamer/dreamer.hpp>

namespace loom {

/// Observations of several instances over time, [steps][instances][fields], in the environment's units; colours
/// of pictures in [0, 1].
struct DreamReport {
  int instances = 0, fields = 0, context = 0, steps = 0;
  std::vector<float> observation;     ///< what happened
  std::vector<float> reconstruction;  ///< decoded from states that saw it
  std::vector<float> dream;  ///< from step `context` on without seeing anything; before: the former
  std::vector<double> deviation;  ///< [fields]: what errors are divided by
  std::vector<bool> whole;        ///< [instances]: its first episode lasted for all steps

  /// Root mean square over whole instances of one step's errors, each field divided by its deviation over all steps, that
  /// of pictures by the common one of all pixels.
  /// NaN without a whole instance.
  double reconstruction_error(int step) const;
  double dream_error(int step) const;
};

/// Plays `context` + `horizon` steps in a batch of the learner's environment and Exec; from the state after
/// `context` steps the model dreams on, given the actions that are taken.
DreamReport dream(Dreamer& dreamer, VectorEnv& env, int context, int horizon);

}  // namespace loom
