#pragma once
// Where the records of many instances lie in a ring of sequences, and which of them a batch takes.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// `instances` rings of `capacity` records each: instance i's record number k has the place
/// i * capacity + k % capacity.
struct ReplayShape {
  int instances = 1, capacity = 1;
};

/// What a step's end means for the records: of the observation that follows, its reward and whether an episode
/// begins with it; of the last observation of an episode that ended, whether it goes on after it.
///
///   ended = terminated or truncated, first = ended, next_reward = ended ? 0 : reward,
///   last_goes_on = terminated ? 0 : going_on.
///
/// Shapes   reward, terminated, truncated: (at least n); all that is written: (n).
/// Errors   ShapeError if the sizes do not fit.
struct ReplayMarks {
  Out<std::uint8_t> ended;
  Out<float> first, next_reward, last_goes_on;
};
void replay_marks(Cpu exec, float going_on, In<float> reward, In<std::uint8_t> terminated,
                  In<std::uint8_t> truncated, ReplayMarks const& marks);
void replay_marks(Gpu exec, float going_on, In<float> reward, In<std::uint8_t> terminated,
                  In<std::uint8_t> truncated, ReplayMarks const& marks);

/// place[i] = where instance i writes next, and its count goes up; -1, and nothing, where mask[i] is 0.
///
/// Shapes   mask: (at least instances) or empty; count, place: (instances).
/// Errors   ShapeError if the sizes do not fit.
void replay_claim(Cpu exec, ReplayShape const& shape, In<std::uint8_t> mask,
                  Out<std::uint32_t> count, Out<std::int32_t> place);
void replay_claim(Gpu exec, ReplayShape const& shape, In<std::uint8_t> mask,
                  Out<std::uint32_t> count, Out<std::int32_t> place);

/// Draws `sequences` runs of `length` records in a row. The first `online` of them take what has not been
/// taken yet, where there is that much: sequence b looks at instance (tick * online + b) % instances. All
/// others are uniform over instances and beginnings.
///
/// Shapes   count, taken: (instances), counts at least length; tick: (1); place: [length][sequences].
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit, a ring is shorter than length or online exceeds sequences
///          or instances. Counts are not checked.
/// Source   Hafner et al. 2023 ("online queue"), the authors' code.
struct ReplayDraw {
  std::uint64_t seed = 0;
  int sequences = 1, length = 1, online = 0;
};
void replay_sample(Cpu exec, ReplayShape const& shape, ReplayDraw const& draw,
                   In<std::uint32_t> count, Out<std::uint32_t> taken, In<std::uint32_t> tick,
                   Out<std::int32_t> place);
void replay_sample(Gpu exec, ReplayShape const& shape, ReplayDraw const& draw,
                   In<std::uint32_t> count, Out<std::uint32_t> taken, In<std::uint32_t> tick,
                   Out<std::int32_t> place);

/// Where a batch's results go back to: places from row 1 on, but -1 for a record that a later sequence
/// holds there as well, so that every record is written once.
///
/// Shapes   place: [length][sequences] as replay_sample leaves it; target: [length - 1][sequences].
void replay_targets(Cpu exec, ReplayShape const& shape, InRows<std::int32_t> place,
                    Out<std::int32_t> target);
void replay_targets(Gpu exec, ReplayShape const& shape, InRows<std::int32_t> place,
                    Out<std::int32_t> target);

}  // namespace loom
