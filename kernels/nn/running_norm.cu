#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/core/launch_rows.hpp>
#include <kernels/nn/running_norm.hpp>

namespace loom {

void update_moments(Here exec, int steps, int instances, In<float> x, float epsilon,
                    RunningMoments moments, Out<std::uint8_t> workspace) {
  using namespace reduction;
  char const* const who = "update_moments";
  int const fields = static_cast<int>(moments.mean.size);
  require(steps >= 1 && instances >= 1 && fields >= 1, who, ": ", steps, " steps of ", instances,
          " instances of ", fields, " fields (needs one of each)");
  check_size(who, "x", x.size, std::int64_t{steps} * padded_to_tile(instances) * fields);
  check_size(who, "count", moments.count.size, 1);
  check_size(who, "mean_low", moments.mean_low.size, fields);
  check_size(who, "variance", moments.variance.size, fields);
  check_size(who, "variance_low", moments.variance_low.size, fields);
  check_size(who, "inverse_deviation", moments.inverse_deviation.size, fields);
  require(workspace.size >= running_norm_workspace(fields), who, ": workspace has ", workspace.size,
          " bytes (needs ", running_norm_workspace(fields), ")");
  float* const slots = reinterpret_cast<float*>(workspace.data);
  TileMoments fold{};
  fold.x = {x.data, steps, instances, fields};
  auto const [slab, slabs] = moments_plan(steps * fold.x.tiles(), fields);
  fold.slab = slab;
  fold.slots = slots;
  fold.count = moments.count.data;
  launch_fold(exec, fields * slabs, fold);
  float const batch = static_cast<float>(steps) * static_cast<float>(instances);
  launch_fold(exec, fields,
              FoldSlots<Moments, MergeMoments>{slots, fields, slabs, {moments, batch, epsilon}});
}

void normalise_rows(Here exec, InRows<float> x, In<float> mean, In<float> inverse_deviation,
                    float limit, OutRows<float> y) {
  check_rows("normalise_rows", x, y);
  check_size("normalise_rows", "mean", mean.size, x.cols);
  check_size("normalise_rows", "inverse_deviation", inverse_deviation.size, x.cols);
  launch_rows(exec, x.rows, x.cols, NormaliseRows{x, mean, inverse_deviation, limit, y});
}

void normalise_tiles(Here exec, In<float> x, In<float> mean, In<float> inverse_deviation,
                     float limit, Out<float> y) {
  char const* const who = "normalise_tiles";
  require(mean.size >= 1 && x.size % (mean.size * kTile) == 0 && x.size < (std::size_t{1} << 31),
          who, ": ", x.size, " elements (needs whole tiles of ", mean.size, " fields)");
  check_size(who, "inverse_deviation", inverse_deviation.size,
             static_cast<std::int64_t>(mean.size));
  check_size(who, "y", y.size, static_cast<std::int64_t>(x.size));
  launch(exec, static_cast<int>(x.size), NormaliseTiles{x, mean, inverse_deviation, limit, y});
}

void discounted_return(Here exec, int steps, float gamma, In<float> reward,
                       In<std::uint8_t> terminated, In<std::uint8_t> truncated, Out<float> running,
                       Out<float> returns) {
  char const* const who = "discounted_return";
  auto const n = static_cast<std::int64_t>(running.size);
  require(n % kTile == 0, who, ": ", n, " instances (needs whole tiles of 64)");
  check_size(who, "reward", reward.size, n * steps);
  check_size(who, "terminated", terminated.size, n * steps);
  check_size(who, "truncated", truncated.size, n * steps);
  check_size(who, "returns", returns.size, n * steps);
  launch(exec, static_cast<int>(n),
         DiscountedReturn{reward, terminated, truncated, gamma, steps, static_cast<int>(n), running,
                          returns},
         kTile);
}

}  // namespace loom
