#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/dream/truncated_actor.hpp>
#include <kernels/dream/truncated_actor_body.hpp>

namespace loom {
namespace {

constexpr int kActorGrain = 256;

void fits(char const* who, InRows<float> raw, InRows<float> action) {
  require(raw.rows == action.rows && raw.cols == 2 * action.cols, who, ": raw is ", raw.rows, " x ",
          raw.cols, ", action ", action.rows, " x ", action.cols, " (needs half the columns)");
  check_extent(who, raw);
  check_extent(who, action);
}

}  // namespace

void truncated_actor_sample(Here exec, InRows<float> raw, RowDraws draws, OutRows<float> action) {
  char const* const who = "truncated_actor_sample";
  fits(who, raw, action);
  if (draws.stream.size != 0) check_draws(who, draws, raw.rows);
  launch(exec, raw.rows, TruncatedActorSample{raw, draws, action}, kActorGrain);
}

void truncated_actor_backward(Here exec, InRows<float> raw, RowDraws draws, InRows<float> daction,
                              In<float> dentropy, OutRows<float> draw, Out<float> entropy) {
  char const* const who = "truncated_actor_backward";
  fits(who, raw, daction);
  check_draws(who, draws, raw.rows);
  check_rows(who, raw, draw);
  check_size(who, "dentropy", dentropy.size, raw.rows);
  check_size(who, "entropy", entropy.size, raw.rows);
  launch(exec, raw.rows, TruncatedActorBackward{raw, draws, daction, dentropy, draw, entropy},
         kActorGrain);
}

}  // namespace loom
