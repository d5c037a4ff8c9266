#pragma once
// Variational autoencoders and conditional ones, as learners of their own.
#include <kernels/core/graph.hpp>
#include <kernels/nn/adam.hpp>
#include <learn/vae/networks.hpp>
#include <learn/vae/training.hpp>

namespace loom {

class Checkpoint;

/// Parameters, optimiser and random numbers around a VaeTraining and a VaeNetworks.
///
///   Vae vae(Cpu{}, VaeConfig::sfujim_bcq(actions, 1.F), actions, observations, seed);
///   vae.update(action, observation);           // (batch, ...): one step of Adam
///   vae.sample(observation, 10, candidates);   // ten actions of every observation
///
/// An update is one CUDA graph on a GPU. Everything here reads and writes memory of its Exec.
/// Shapes, errors and bits are those of the two classes; a condition is left out where there is none.
class Vae {
 public:
  struct Losses {
    double reconstruction, divergence;  ///< reduced as the shape says, means over rows
    double loss;                        ///< reconstruction + beta divergence
  };

  Vae(Exec const& exec, VaeConfig const& config, int data, int condition, std::uint64_t seed);

  /// One step on batches of config.batch rows.
  void update(InRows<float> x, InRows<float> c = {});
  /// The same kernels for someone else's graph: x and c are read where they are.
  void learn(Exec const& exec, InRows<float> x, InRows<float> c = {});
  /// Both losses of a batch with z drawn afresh, nothing learned.
  Losses evaluate(InRows<float> x, InRows<float> c = {});
  /// Of the last update() or evaluate().
  Losses losses() const;

  void encode(InRows<float> x, InRows<float> c, OutRows<float> mean, OutRows<float> log_std) {
    networks_.encode(exec_, x, c, mean, log_std);
  }
  void decode(InRows<float> z, InRows<float> c, OutRows<float> x) {
    networks_.decode(exec_, z, c, x);
  }
  /// n rows of x for every row of c, drawn afresh at every call.
  void sample(InRows<float> c, int n, OutRows<float> x);
  /// `rows` rows where there is no condition.
  void sample(OutRows<float> x) { sample({}, x.rows, x); }
  /// VaeNetworks::bounds with n samples of every row, drawn afresh.
  void bounds(InRows<float> x, InRows<float> c, int n, Out<float> elbo,
              Out<float> importance_weighted);

  /// Of Adam, from the next update on.
  void set_learning_rate(float rate);
  /// The decoder's variance, as learned so far.
  float variance();
  VaeShape const& shape() const { return training_.shape(); }
  Parameters& parameters() { return parameters_; }
  VaeNetworks& networks() { return networks_; }

  /// Everything that a continuation needs, each tensor's name after the prefix.
  void save(Checkpoint& checkpoint, std::string const& prefix = "vae.");
  void load(Checkpoint const& checkpoint, std::string const& prefix = "vae.");

 private:
  /// Draws of `rows` rows for one call; the next call gets others.
  RowDraws fresh(int rows);
  void step(Exec const& exec);
  template <class F>
  void each_state(F const& f);

  Exec exec_;
  std::uint64_t seed_;
  VaeShape shape_;
  Parameters parameters_;
  VaeTraining training_;
  VaeNetworks networks_;
  Adam adam_;
  Buffer<float> learning_rate_;
  Buffer<std::uint32_t> streams_, tick_, fresh_streams_, fresh_tick_;
  Graph update_;
};

}  // namespace loom
