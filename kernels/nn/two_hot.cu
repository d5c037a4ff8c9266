#include <kernels/core/error.hpp>
#include <kernels/core/fold.hpp>
#include <kernels/core/lane_rows.hpp>
#include <kernels/nn/rows.hpp>
#include <kernels/nn/two_hot.hpp>
#include <kernels/nn/two_hot_body.hpp>

namespace loom {
namespace {

// Rows of 255 bins that a thread takes at least; elements of the backward pass.
constexpr int kTwoHotRows = 16, kTwoHotGrain = 512;

void fits(char const* who, In<float> bins, InRows<float> logits) {
  require(logits.cols >= 2, who, ": ", logits.cols, " bins (needs at least 2)");
  check_size(who, "bins", bins.size, logits.cols);
}

}  // namespace

void two_hot_loss(Here exec, In<float> bins, InRows<float> logits, In<float> target,
                  Out<float> loss, Out<float> log_normaliser) {
  char const* const who = "two_hot_loss";
  fits(who, bins, logits);
  check_size(who, "target", target.size, logits.rows);
  check_size(who, "loss", loss.size, logits.rows);
  check_size(who, "log_normaliser", log_normaliser.size, logits.rows);
  launch_fold(exec, logits.rows, TwoHotLoss{bins, logits, target, loss, log_normaliser},
              kTwoHotRows);
}

void two_hot_backward(Here exec, In<float> bins, InRows<float> logits, In<float> target,
                      In<float> log_normaliser, In<float> dloss, OutRows<float> dlogits,
                      Result result) {
  char const* const who = "two_hot_backward";
  fits(who, bins, logits);
  check_size(who, "target", target.size, logits.rows);
  check_size(who, "log_normaliser", log_normaliser.size, logits.rows);
  check_size(who, "dloss", dloss.size, logits.rows);
  check_rows(who, logits, dlogits);
  EachElement const each(
      TwoHotBackward{bins, logits, target, log_normaliser, dloss, dlogits, result == Result::add},
      logits.rows, logits.cols, false);
  launch(exec, each.lanes(), each, kTwoHotGrain);
}

void two_hot_mean(Here exec, In<float> bins, InRows<float> logits, Out<float> mean) {
  char const* const who = "two_hot_mean";
  fits(who, bins, logits);
  check_size(who, "mean", mean.size, logits.rows);
  launch_fold(exec, logits.rows, TwoHotMean{{bins, logits}, mean}, kTwoHotRows);
}

void two_hot_mean_backward(Here exec, In<float> bins, InRows<float> logits, In<float> dmean,
                           OutRows<float> dlogits) {
  char const* const who = "two_hot_mean_backward";
  fits(who, bins, logits);
  check_size(who, "dmean", dmean.size, logits.rows);
  check_rows(who, logits, dlogits);
  launch_fold(exec, logits.rows, TwoHotMeanBackward{{bins, logits}, dmean, dlogits}, kTwoHotRows);
}

}  // namespace loom
