#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/dream/replay.hpp>
#include <kernels/dream/replay_body.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {
namespace {

void fits(char const* who, ReplayShape const& shape) {
  require(shape.instances > 0 && shape.capacity > 0 &&
              static_cast<std::int64_t>(shape.instances) * shape.capacity < (std::int64_t{1} << 31),
          who, ": ", shape.instances, " rings of ", shape.capacity,
          " records (needs at least 1 and fewer than 2^31 in all)");
}

}  // namespace

void replay_marks(Here exec, float going_on, In<float> reward, In<std::uint8_t> terminated,
                  In<std::uint8_t> truncated, ReplayMarks const& marks) {
  char const* const who = "replay_marks";
  std::size_t const n = marks.ended.size;
  require(reward.size >= n && terminated.size >= n && truncated.size >= n, who, ": ", reward.size,
          " rewards, ", terminated.size, " and ", truncated.size, " flags (needs ", n, ")");
  for (auto const& view : {marks.first, marks.next_reward, marks.last_goes_on})
    check_size(who, "a mark", view.size, static_cast<std::int64_t>(n));
  launch(exec, static_cast<int>(n), MarkEnds{going_on, reward, terminated, truncated, marks});
}

void replay_claim(Here exec, ReplayShape const& shape, In<std::uint8_t> mask,
                  Out<std::uint32_t> count, Out<std::int32_t> place) {
  char const* const who = "replay_claim";
  fits(who, shape);
  require(mask.size == 0 || mask.size >= static_cast<std::size_t>(shape.instances), who,
          ": mask has ", mask.size, " elements (needs ", shape.instances, ")");
  check_size(who, "count", count.size, shape.instances);
  check_size(who, "place", place.size, shape.instances);
  launch_scalar(exec, shape.instances, ReplayClaim{shape, mask, count, place});
}

void replay_sample(Here exec, ReplayShape const& shape, ReplayDraw const& draw,
                   In<std::uint32_t> count, Out<std::uint32_t> taken, In<std::uint32_t> tick,
                   Out<std::int32_t> place) {
  char const* const who = "replay_sample";
  fits(who, shape);
  require(draw.sequences > 0 && draw.length > 0 && draw.length <= shape.capacity, who, ": ",
          draw.sequences, " sequences of ", draw.length, " from rings of ", shape.capacity);
  require(draw.online >= 0 && draw.online <= draw.sequences && draw.online <= shape.instances, who,
          ": ", draw.online, " online of ", draw.sequences, " sequences, ", shape.instances,
          " instances");
  check_size(who, "count", count.size, shape.instances);
  check_size(who, "taken", taken.size, shape.instances);
  check_size(who, "tick", tick.size, 1);
  check_size(who, "place", place.size, std::int64_t{draw.length} * draw.sequences);
  launch_scalar(exec, draw.sequences, ReplaySample{shape, draw, count, taken, tick, place});
}

void replay_targets(Here exec, ReplayShape const& shape, InRows<std::int32_t> place,
                    Out<std::int32_t> target) {
  char const* const who = "replay_targets";
  fits(who, shape);
  require(place.rows > 1, who, ": sequences of ", place.rows, " (needs 2 or more)");
  check_size(who, "target", target.size, std::int64_t{place.rows - 1} * place.cols);
  launch_scalar(exec, (place.rows - 1) * place.cols, ReplayTargets{shape, place, target});
}

}  // namespace loom
