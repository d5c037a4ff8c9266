#pragma once
// The weights of wide layers, streamed to the warps that use them. nvcc only.
#include <cassert>
#include <kernels/core/dense_layout.hpp>
#include <kernels/core/mma.hpp>

namespace loom {

/// One warp's weights as 512-byte units in the order of use, begun again at the end. A lane copies
/// the 16 bytes it alone will read: no barrier, only its own wait. Weights depend on nothing, so
/// the copies run ahead through barriers and phases.
class WeightTape {
 public:
  static constexpr int kDepth = 16, kRing = 8 * kDepth * dense_layout::kUnit;

  /// `table`: the segments, in shared memory.
  HD WeightTape(TapeSegment const* table, int count, std::uint32_t ring, int warp, int lane)
      : table_(table),
        count_(count),
        warp_(warp),
        lane_(lane),
        ring_(ring + (warp * kDepth * 32 + lane) * 16) {
    if (count_ > 0) open();
#if !defined(NDEBUG)
    expected_ = from_;
    expected_end_ = end_;
#endif
    LOOM_UNROLL
    for (int i = 0; i < kDepth - 1; ++i) fetch(i * dense_layout::kUnit);
  }

  HD warp::Words next() {
    warp::wait_copies<kDepth - 2>();
    warp::Words const w = warp::load_shared(ring_ + read_);
    fetch((read_ - dense_layout::kUnit) & kMask);  // the slot read one call ago
    read_ = (read_ + dense_layout::kUnit) & kMask;
    return w;
  }
  /// Before the block ends. The load shows a checker that the copies have been waited for.
  HD void drain() {
    warp::wait_copies<0>();
    if (count_ > 0) warp::load_shared(ring_ + ((read_ - 2 * dense_layout::kUnit) & kMask));
  }

  /// In debug builds: the layer's units must be those that come next.
  HD void expect([[maybe_unused]] std::byte const* weights, [[maybe_unused]] int units) {
#if !defined(NDEBUG)
    assert(expected_ == weights + warp_ * table_[expected_segment_].bytes + lane_ * 16);
    expected_ += units * dense_layout::kUnit;
    if (expected_ == expected_end_) {
      expected_segment_ = expected_segment_ + 1 == count_ ? 0 : expected_segment_ + 1;
      TapeSegment const s = table_[expected_segment_];
      expected_ = s.begin + warp_ * s.bytes + lane_ * 16;
      expected_end_ = expected_ + s.bytes;
    }
#endif
  }

 private:
  static constexpr int kMask = kDepth * dense_layout::kUnit - 1;

  HD void open() {
    TapeSegment const s = table_[segment_];
    from_ = s.begin + warp_ * s.bytes + lane_ * 16;
    end_ = from_ + s.bytes;
  }
  HD void fetch(int slot) {
    if (count_ > 0) {
      warp::copy_async(ring_ + slot, from_);
      from_ += dense_layout::kUnit;
      if (from_ == end_) {
        segment_ = segment_ + 1 == count_ ? 0 : segment_ + 1;
        open();
      }
    }
    warp::commit_copies();
  }

  TapeSegment const* table_;
  int count_, warp_, lane_, segment_ = 0;
  std::byte const *from_ = nullptr, *end_ = nullptr;
  std::uint32_t ring_;
  int read_ = 0;
#if !defined(NDEBUG)
  int expected_segment_ = 0;
  std::byte const *expected_ = nullptr, *expected_end_ = nullptr;
#endif
};

}  // namespace loom
