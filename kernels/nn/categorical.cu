#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/categorical.hpp>
#include <kernels/nn/categorical_body.hpp>

namespace loom {
namespace {

void check(char const* who, InRows<float> logits, char const* what, std::size_t size) {
  require(logits.cols >= 1, who, ": no classes (needs 1 or more)");
  check_size(who, what, size, logits.rows);
  check_extent(who, logits);
}

}  // namespace

void categorical_log_prob(Here exec, InRows<float> logits, In<std::int32_t> action,
                          Out<float> log_prob) {
  check("categorical_log_prob", logits, "log_prob", log_prob.size);
  check("categorical_log_prob", logits, "action", action.size);
  launch(exec, logits.rows, CategoricalLogProb{logits, action, log_prob});
}

void categorical_entropy(Here exec, InRows<float> logits, Out<float> entropy) {
  check("categorical_entropy", logits, "entropy", entropy.size);
  launch(exec, logits.rows, CategoricalEntropy{logits, entropy});
}

void categorical_sample(Here exec, InRows<float> logits, RowDraws draws, Out<std::int32_t> action,
                        Out<float> log_prob) {
  check("categorical_sample", logits, "action", action.size);
  if (log_prob.size != 0) check("categorical_sample", logits, "log_prob", log_prob.size);
  check_draws("categorical_sample", draws, logits.rows);
  launch(exec, logits.rows, CategoricalSample{logits, draws, action, log_prob});
}

void categorical_greedy(Here exec, InRows<float> logits, Out<std::int32_t> action) {
  check("categorical_greedy", logits, "action", action.size);
  launch(exec, logits.rows, CategoricalGreedy{logits, action});
}

}  // namespace loom
