#pragma once
#include <kernels/core/random.hpp>
#include <kernels/dream/replay.hpp>

namespace loom {

struct MarkEnds {
  float going_on;
  In<float> reward;
  In<std::uint8_t> terminated, truncated;
  ReplayMarks marks;

  template <class F>
  HD void operator()(Lane<F> i) const {
    auto const terminal = load_mask(terminated.data, i);
    auto const ended = terminal | load_mask(truncated.data, i);
    store_mask(marks.ended.data, i, ended);
    store(marks.first, i, select(ended, F(1.F), F(0.F)));
    store(marks.next_reward, i, select(ended, F(0.F), F(load(reward, i))));
    store(marks.last_goes_on, i, select(terminal, F(0.F), F(going_on)));
  }
};

struct ReplayClaim {
  ReplayShape shape;
  In<std::uint8_t> mask;
  Out<std::uint32_t> count;
  Out<std::int32_t> place;

  HD void operator()(Lane<float> i) const {
    auto const at = static_cast<std::size_t>(i.index);
    if (mask.size != 0 && mask[at] == 0) {
      place[at] = -1;
      return;
    }
    auto const slot = count[at] % static_cast<std::uint32_t>(shape.capacity);
    place[at] = i.index * shape.capacity + static_cast<std::int32_t>(slot);
    count[at] += 1;
  }
};

struct ReplaySample {
  ReplayShape shape;
  ReplayDraw draw;
  In<std::uint32_t> count;
  Out<std::uint32_t> taken;
  In<std::uint32_t> tick;
  Out<std::int32_t> place;

  HD void operator()(Lane<float> b) const {
    auto const length = static_cast<std::uint32_t>(draw.length);
    auto const capacity = static_cast<std::uint32_t>(shape.capacity);
    auto const instances = static_cast<std::uint32_t>(shape.instances);
    std::uint32_t instance = 0, begin = 0;
    bool fresh = false;
    if (b.index < draw.online) {
      auto const lane = static_cast<std::uint32_t>(b.index);
      instance = (tick[0] * static_cast<std::uint32_t>(draw.online) + lane) % instances;
      std::uint32_t const all = count[instance], waiting = all - taken[instance];
      if (waiting >= length) {
        fresh = true;
        // What waits for long is old: the newest is taken then.
        begin = waiting < 2 * length ? taken[instance] : all - length;
        taken[instance] = begin + length;
      }
    }
    if (!fresh) {
      Random<float> random(draw.seed, static_cast<std::uint32_t>(b.index), tick[0],
                           Purpose::shuffle);
      instance = below(random.uniform(), instances);
      std::uint32_t const all = count[instance], kept = all < capacity ? all : capacity;
      begin = all - kept + below(random.uniform(), kept < length ? 1 : kept - length + 1);
    }
    for (std::uint32_t t = 0; t < length; ++t)
      place[t * static_cast<std::size_t>(draw.sequences) + static_cast<std::size_t>(b.index)] =
          static_cast<std::int32_t>(instance * capacity + (begin + t) % capacity);
  }

 private:
  HD static std::uint32_t below(float uniform, std::uint32_t n) {
    auto const k = static_cast<std::uint32_t>(uniform * static_cast<float>(n));
    return k < n ? k : n - 1;
  }
};

struct ReplayTargets {
  ReplayShape shape;
  InRows<std::int32_t> place;
  Out<std::int32_t> target;

  HD void operator()(Lane<float> r) const {
    int const sequences = place.cols, sequence = r.index % sequences;
    std::int32_t const at = place.row(r.index / sequences + 1)[sequence];
    bool last = true;
    for (int other = sequence + 1; other < sequences; ++other) {
      std::int32_t const begin = place.row(0)[other];
      if (begin / shape.capacity != at / shape.capacity) continue;
      int const behind = at - begin < 0 ? at - begin + shape.capacity : at - begin;
      last = last && (behind == 0 || behind >= place.rows);
    }
    target[static_cast<std::size_t>(r.index)] = last ? at : -1;
  }
};

}  // namespace loom
