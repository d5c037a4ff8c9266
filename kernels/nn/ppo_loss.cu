#include <kernels/core/error.hpp>
#include <kernels/nn/ppo_workspace.hpp>

namespace loom {
namespace {

using namespace reduction;

/// Checks what both losses share and gives the part of the body they share.
PpoRows prepare(Here exec, char const* who, PpoConfig const& config, In<float> entropy_coefficient,
                InRows<float> output, PpoBatch const& batch, Out<float> d_value,
                PpoMetrics const& metrics, Out<std::uint8_t> workspace, PpoWorkspace const& w) {
  int const rows = output.rows;
  require(rows >= 1 && output.cols >= 1, who, ": [", rows, "][", output.cols,
          "] (needs a row and a column)");
  check_size(who, "value", batch.value.size, rows);
  check_size(who, "old_log_prob", batch.old_log_prob.size, rows);
  check_size(who, "old_value", batch.old_value.size, rows);
  check_size(who, "advantage", batch.advantage.size, rows);
  check_size(who, "returns", batch.returns.size, rows);
  check_size(who, "d_value", d_value.size, rows);
  check_size(who, "entropy_coefficient", entropy_coefficient.size, 1);
  check_size(who, "metrics.latest", metrics.latest.size, kPpoMetrics);
  check_size(who, "metrics.sums", metrics.sums.size, kPpoMetrics);
  require(workspace.size >= w.bytes, who, ": workspace has ", workspace.size, " bytes (needs ",
          w.bytes, ")");
  PpoRows common{};
  common.config = config;
  common.batch = batch;
  common.plan = ppo_plan(rows);
  common.rows = rows;
  common.scale = 1.F / static_cast<float>(rows);
  common.advantage = nullptr;
  common.coefficient = entropy_coefficient.data;
  common.d_value = d_value;
  common.slots = w.slots;
  if (config.normalise_advantage) {
    auto const [slab, slabs] = common.plan;
    launch_fold(exec, slabs,
                FoldSlabs<Moments, StoreSlot<Moments>>{
                    batch.advantage.data, rows, slab, {w.advantage_slots}});
    launch_fold(exec, 1,
                FoldSlots<Moments, StoreAdvantage>{w.advantage_slots, 1, slabs, {w.advantage}});
    common.advantage = w.advantage;
  }
  return common;
}

void finish(Here exec, PpoRows const& common, PpoMetrics const& metrics) {
  launch_fold(exec, 1,
              FoldSlots<PpoRule, StorePpoMetrics>{
                  common.slots, 1, common.plan.slabs, {metrics, common.scale}});
}

}  // namespace

void ppo_loss_discrete(Here exec, PpoConfig const& config, In<float> entropy_coefficient,
                       InRows<float> logits, In<std::int32_t> action, PpoBatch batch,
                       OutRows<float> d_logits, Out<float> d_value, PpoMetrics metrics,
                       Out<std::uint8_t> workspace) {
  char const* const who = "ppo_loss_discrete";
  PpoWorkspace const w(workspace.data, logits.rows, logits.cols);
  check_rows(who, logits, d_logits);
  check_size(who, "action", action.size, logits.rows);
  PpoDiscrete body{};
  static_cast<PpoRows&>(body) = prepare(exec, who, config, entropy_coefficient, logits, batch,
                                        d_value, metrics, workspace, w);
  body.logits = logits;
  body.action = action;
  body.d_logits = d_logits;
  launch_fold(exec, body.plan.slabs, body);
  finish(exec, body, metrics);
}

void ppo_loss_gaussian(Here exec, PpoConfig const& config, In<float> entropy_coefficient,
                       InRows<float> mean, In<float> log_std, InRows<float> action, PpoBatch batch,
                       OutRows<float> d_mean, Out<float> d_log_std, Out<float> d_value,
                       PpoMetrics metrics, Out<std::uint8_t> workspace) {
  char const* const who = "ppo_loss_gaussian";
  PpoWorkspace const w(workspace.data, mean.rows, mean.cols);
  check_rows(who, mean, action);
  check_rows(who, mean, d_mean);
  check_size(who, "log_std", log_std.size, mean.cols);
  check_size(who, "d_log_std", d_log_std.size, mean.cols);
  PpoGaussian body{};
  static_cast<PpoRows&>(body) =
      prepare(exec, who, config, entropy_coefficient, mean, batch, d_value, metrics, workspace, w);
  Out<float> const d_log_prob{w.d_log_prob, static_cast<std::size_t>(mean.rows)};
  body.mean = mean;
  body.log_std = log_std;
  body.action = action;
  body.d_mean = d_mean;
  body.d_log_prob = d_log_prob;
  int const slabs = body.plan.slabs;
  launch_fold(exec, slabs, body);
  finish(exec, body, metrics);
  PpoLogStd spread{};
  spread.mean = mean;
  spread.log_std = log_std;
  spread.action = action;
  spread.d_log_prob = d_log_prob;
  spread.plan = body.plan;
  spread.slots = w.log_std_slots;
  launch_fold(exec, slabs * mean.cols, spread);
  launch_fold(exec, mean.cols,
              FoldSlots<Sum, StoreLogStdGradient>{
                  w.log_std_slots, mean.cols, slabs, {d_log_std.data, entropy_coefficient.data}});
}

}  // namespace loom
