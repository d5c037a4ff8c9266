#pragma once
// Reset, step and draw of a batch, for any environment.
#include <kernels/core/compact.hpp>
#include <kernels/core/random.hpp>
#include <kernels/render/scene.hpp>
#include <sim/core/disturbance_body.hpp>
#include <sim/core/memory.hpp>

namespace loom {

/// One lane's truth value, made of `a | b` on bools without narrowing.
struct Truth {
  bool value;
  HD Truth(int v) : value(v != 0) {}
  HD operator bool() const { return value; }
};

/// What a step returns. Only ends that belong to the task; the time limit is the batch's.
template <class F>
struct Outcome {
  F reward;
  std::conditional_t<kWidth<F> == 1, Truth, MaskOf<F>> terminated;
};

/// W words of F seen as a struct made of F and IntOf<F>, and back.
template <class F, int W>
struct Words {
  F word[W];
};
template <class F, template <class> class Struct>
inline constexpr int kWords = static_cast<int>(sizeof(Struct<F>) / sizeof(F));
template <template <class> class Struct, class F>
HD Struct<F> from_words(Words<F, kWords<F, Struct>> const& w) {
  return __builtin_bit_cast(Struct<F>, w);
}
template <class F, template <class> class Struct>
HD Words<F, kWords<F, Struct>> to_words(Struct<F> const& s) {
  return __builtin_bit_cast(Words<F, kWords<F, Struct>>, s);
}

template <class Env>
struct Layout {
  static constexpr int kState = kWords<float, Env::template State>;
  static constexpr int kParams = kWords<float, Env::template Params>;
  static constexpr int kObservation = Env::spec.observation;
  static constexpr int kActions = Env::spec.actions.fields();
  static constexpr int kBook = kState + kParams;
  static constexpr int kTail = kBook + static_cast<int>(Book::count);  // disturbances, if any
  static_assert(kParams == sizeof(Env::params) / sizeof(ParamSpec),
                "one ParamSpec a field of Params");
  static_assert(kObservation <= kMaxObservation && kActions <= kMaxAction &&
                kParams <= kMaxParameters);
};

/// One parameter of an instance. Word `index` of its stream is the parameter's own, whatever the
/// others are.
template <class F>
HD F draw_parameter(ParameterRange const& r, std::uint64_t seed, UintOf<F> stream,
                    UintOf<F> episode, int index, UintOf<F> word) {
  F const u = unit_interval<F>(word);
  switch (r.distribution) {
    case Distribution::uniform:
      return math::fma(u, F(r.b - r.a), F(r.a));
    case Distribution::log_uniform: {
      F const low = math::log(F(r.a)), high = math::log(F(r.b));
      return math::clamp(math::exp(math::fma(u, high - low, low)), F(r.a), F(r.b));
    }
    case Distribution::normal: {
      auto const second = philox<UintOf<F>>(
          {stream, episode, UintOf<F>(static_cast<std::uint32_t>(Purpose::parameters)),
           UintOf<F>(static_cast<std::uint32_t>(1024 + index))},
          seed);
      F const z = normal_of(u, unit_interval<F>(second.x));
      return math::clamp(math::fma(z, F(r.b), F(r.a)), F(r.low), F(r.high));
    }
    default:
      return F(r.a);
  }
}

template <class Env, class F>
HD typename Env::template Params<F> draw_parameters(EnvMemory const& m, UintOf<F> stream,
                                                    UintOf<F> episode) {
  constexpr int kP = Layout<Env>::kParams;
  Words<F, kP> words;
  LOOM_UNROLL
  for (int p = 0; p < kP; p += 4) {
    bool drawn = false;
    LOOM_UNROLL
    for (int k = 0; k < 4; ++k)
      if (p + k < kP) drawn |= m.ranges[p + k].distribution != Distribution::fixed;
    Counter<UintOf<F>> block{UintOf<F>(0U), UintOf<F>(0U), UintOf<F>(0U), UintOf<F>(0U)};
    if (drawn)
      block = philox<UintOf<F>>(
          {stream, episode, UintOf<F>(static_cast<std::uint32_t>(Purpose::parameters)),
           UintOf<F>(static_cast<std::uint32_t>(p / 4))},
          m.seed);
    UintOf<F> const word[4] = {block.x, block.y, block.z, block.w};
    LOOM_UNROLL
    for (int k = 0; k < 4; ++k)
      if (p + k < kP)
        words.word[p + k] =
            draw_parameter<F>(m.ranges[p + k], m.seed, stream, episode, p + k, word[k]);
  }
  return from_words<Env::template Params>(words);
}

/// The disturbances of an instance's next episode, in words of their own.
template <class F>
HD Words<F, kDisturbances> draw_disturbances(EnvMemory const& m, int num_parameters,
                                             UintOf<F> stream, UintOf<F> episode) {
  static_assert(kDisturbances == 4, "one block of random words");
  auto const block = philox<UintOf<F>>(
      {stream, episode, UintOf<F>(static_cast<std::uint32_t>(Purpose::disturbances)),
       UintOf<F>(0U)},
      m.seed);
  UintOf<F> const word[4] = {block.x, block.y, block.z, block.w};
  Words<F, kDisturbances> words;
  LOOM_UNROLL
  for (int k = 0; k < kDisturbances; ++k)
    words.word[k] = draw_parameter<F>(m.ranges[num_parameters + k], m.seed, stream, episode,
                                      kMaxParameters + k, word[k]);
  return words;
}

/// Starts new episodes: parameters, state, first observation. With `ended`, books the old episodes
/// first.
template <class Env>
struct ResetInstances {
  EnvMemory m;
  bool ended;

  template <class F>
  HD_RARE void run(IntOf<F> id) const {
    using L = Layout<Env>;
    auto const lane = id & (kTile - 1);
    auto const record = (id - lane) * m.record.fields + lane;
    auto const observation = (id - lane) * L::kObservation + lane;
    auto book = [&](Book b) { return record + (L::kBook + static_cast<int>(b)) * kTile; };
    auto* const ints = reinterpret_cast<std::int32_t*>(m.record.data);
    auto const stream = as_uint(gather(ints, book(Book::stream)));
    auto const episode = as_uint(gather(ints, book(Book::episode))) + UintOf<F>(ended ? 1U : 0U);
    if (ended) {
      auto const finished = gather(ints, book(Book::finished));
      F const last = gather(m.record.data, book(Book::episode_return));
      F const sum = gather(m.record.data, book(Book::finished_return)) + last;
      F const first = gather(m.record.data, book(Book::first_return));
      auto const length =
          gather(ints, book(Book::finished_length)) + gather(ints, book(Book::step));
      scatter(ints, book(Book::finished), finished + 1);
      scatter(m.record.data, book(Book::finished_return), sum);
      scatter(ints, book(Book::finished_length), length);
      scatter(m.record.data, book(Book::first_return), select(finished == 0, last, first));
      scatter(ints, book(Book::episode), as_int(episode));
      LOOM_UNROLL
      for (int f = 0; f < L::kObservation; ++f)
        scatter(m.final_observation.data, observation + f * kTile,
                gather(m.observation.data, observation + f * kTile));
    }
    auto const params = draw_parameters<Env, F>(m, stream, episode);
    Random<F> random(m.seed, stream, episode, Purpose::reset);
    auto const state = Env::template reset<F>(params, random);
    F o[L::kObservation];
    Env::template observe<F>(state, params, o);
    if (m.disturbed) [[unlikely]] {
      auto const d = draw_disturbances<F>(m, L::kParams, stream, episode);
      LOOM_UNROLL
      for (int f = 0; f < kDisturbances; ++f)
        scatter(m.record.data, record + (L::kTail + f) * kTile, d.word[f]);
      add_noise(d.word[static_cast<int>(Disturbance::observation_noise)],
                Random<F>(m.seed, stream, episode, Purpose::first_observation_noise),
                L::kObservation, o);
    }
    auto const s = to_words(state);
    auto const p = to_words(params);
    LOOM_UNROLL
    for (int f = 0; f < L::kState; ++f) scatter(m.record.data, record + f * kTile, s.word[f]);
    LOOM_UNROLL
    for (int f = 0; f < L::kParams; ++f)
      scatter(m.record.data, record + (L::kState + f) * kTile, p.word[f]);
    LOOM_UNROLL
    for (int f = 0; f < L::kObservation; ++f)
      scatter(m.observation.data, observation + f * kTile, o[f]);
    scatter(ints, book(Book::step), IntOf<F>(0));
    scatter(m.record.data, book(Book::episode_return), F(0.F));
  }
};

/// Every instance begins its first episode.
template <class Env>
struct ResetAll {
  ResetInstances<Env> reset;
  template <class F>
  HD void operator()(Lane<F> i) const {
    reset.template run<F>(iota(i));
  }
};

enum class Actions { given, random };

/// Load, clip the action, step, count, store. True where the episode ended.
template <class Env, Actions kActions>
struct StepInstances {
  EnvMemory m;

  template <class F>
  HD MaskOf<F> operator()(Lane<F> i) const {
    using L = Layout<Env>;
    float* const record = m.record.data + m.record.offset(0, i.index);
    auto* const ints = reinterpret_cast<std::int32_t*>(record);
    constexpr Lane<F> k0{0};
    auto book = [](Book b) { return (L::kBook + static_cast<int>(b)) * kTile; };
    // Every field is loaded before the first is used.
    Words<F, L::kState> s;
    Words<F, L::kParams> p;
    LOOM_UNROLL
    for (int f = 0; f < L::kState; ++f) s.word[f] = load(record + f * kTile, k0);
    LOOM_UNROLL
    for (int f = 0; f < L::kParams; ++f) p.word[f] = load(record + (L::kState + f) * kTile, k0);
    auto const step = load(ints + book(Book::step), k0) + 1;
    auto const tick = as_uint(load(ints + book(Book::tick), k0));
    auto const stream = as_uint(load(ints + book(Book::stream), k0));
    F const return_before = load(record + book(Book::episode_return), k0);
    auto state = from_words<Env::template State>(s);
    auto const params = from_words<Env::template Params>(p);

    Disturbed<F, L::kActions> const disturbed{record + L::kTail * kTile, m.seed, stream};
    constexpr ActionSpace space = Env::spec.actions;
    Action<F> action = chosen<F>(i, stream, tick);
    if (m.disturbed) [[unlikely]]
      disturbed.act(space, step - 1, tick, action.word);
    Random<F> random(m.seed, stream, tick, Purpose::step);
    Outcome<F> const outcome = advance<F>(state, params, action, random);

    MaskOf<F> const terminated = outcome.terminated;
    MaskOf<F> const truncated = (step >= m.max_steps) & !terminated;
    s = to_words(state);
    LOOM_UNROLL
    for (int f = 0; f < L::kState; ++f) store(record + f * kTile, k0, s.word[f]);
    store(ints + book(Book::step), k0, step);
    store(ints + book(Book::tick), k0, as_int(tick + UintOf<F>(1U)));
    store(record + book(Book::episode_return), k0, return_before + outcome.reward);
    F o[L::kObservation];
    Env::template observe<F>(state, params, o);
    if (m.disturbed) [[unlikely]]
      add_noise(disturbed.parameter(Disturbance::observation_noise),
                Random<F>(m.seed, stream, tick, Purpose::observation_noise), L::kObservation, o);
    float* const observation = m.observation.data + m.observation.offset(0, i.index);
    LOOM_UNROLL
    for (int f = 0; f < L::kObservation; ++f) store(observation + f * kTile, k0, o[f]);
    store(m.reward, i, outcome.reward);
    store_mask(m.terminated, i, terminated);
    store_mask(m.truncated, i, truncated);
    return terminated | truncated;
  }

 private:
  static constexpr ActionSpace kSpace = Env::spec.actions;
  /// Words as they lie in memory: discrete actions are integers bit for bit.
  template <class F>
  using Action = Words<F, Layout<Env>::kActions>;

  template <class F>
  HD Action<F> chosen(Lane<F> i, UintOf<F> stream, UintOf<F> tick) const {
    Random<F> drawn(m.seed, stream, tick, Purpose::action);
    Action<F> action;
    LOOM_UNROLL
    for (int a = 0; a < Layout<Env>::kActions; ++a) {
      if constexpr (kActions == Actions::given)
        action.word[a] = load(m.action, a, i);
      else if constexpr (kSpace.discrete)
        action.word[a] = as_float(to_int(drawn.uniform() * F(static_cast<float>(kSpace.size))));
      else
        action.word[a] = drawn.uniform(F(kSpace.low), F(kSpace.high));
      if constexpr (kActions == Actions::given && !kSpace.discrete)
        action.word[a] = math::clamp(action.word[a], F(kSpace.low), F(kSpace.high));
    }
    return action;
  }

  /// frame_skip steps of the environment with one action; lanes that have ended stand still.
  template <class F>
  HD Outcome<F> advance(typename Env::template State<F>& state,
                        typename Env::template Params<F> const& params, Action<F> const& action,
                        Random<F>& random) const {
    // The first step stands by itself: within the loop it cost up to 7 % of a plain step.
    Outcome<F> total = one_step<F>(state, params, action, random);
    LOOM_NO_UNROLL
    for (int k = 1; k < m.frame_skip; ++k) [[unlikely]] {
        MaskOf<F> const ended = total.terminated;
        auto const before = to_words(state);
        Outcome<F> const next = one_step<F>(state, params, action, random);
        auto after = to_words(state);
        LOOM_UNROLL
        for (int f = 0; f < Layout<Env>::kState; ++f)
          after.word[f] = select(ended, before.word[f], after.word[f]);
        state = from_words<Env::template State>(after);
        total.reward = total.reward + select(ended, F(0.F), next.reward);
        total.terminated = total.terminated | next.terminated;
      }
    return total;
  }

  template <class F>
  HD Outcome<F> one_step(typename Env::template State<F>& state,
                         typename Env::template Params<F> const& params, Action<F> const& action,
                         Random<F>& random) const {
    if constexpr (kSpace.discrete)
      return Env::template step<F>(state, params, as_int(action.word[0]), random);
    else
      return Env::template step<F>(state, params, action.word, random);
  }
};

/// Draws the picture of instances [0, n), each into its own Scene in place.
template <class Env>
struct DrawInstances {
  EnvMemory m;
  Scene* scenes;

  HD void operator()(Lane<float> i) const {
    using L = Layout<Env>;
    float const* const record = m.record.data + m.record.offset(0, i.index);
    Words<float, L::kState> s;
    Words<float, L::kParams> p;
    LOOM_UNROLL
    for (int f = 0; f < L::kState; ++f) s.word[f] = record[f * kTile];
    LOOM_UNROLL
    for (int f = 0; f < L::kParams; ++f) p.word[f] = record[(L::kState + f) * kTile];
    Scene& scene = scenes[i.index];
    scene.clear();
    Env::draw(from_words<Env::template State>(s), from_words<Env::template Params>(p), scene);
  }
};

/// Resets, and before that draws the last states of episodes that ended, each into its
/// own Scene: nothing else remembers them.
template <class Env>
struct DrawAndReset {
  ResetInstances<Env> reset;
  Scene* last;

  template <class F>
  HD void run(IntOf<F> id) const {
    EnvMemory const& m = reset.m;
    for (int l = 0; l < kWidth<F>; ++l) {
      int const one = element(id, l);
      if ((m.truncated[one] | m.terminated[one]) != 0)
        DrawInstances<Env>{m, last}(Lane<float>{one});
    }
    reset.template run<F>(id);
  }
};

}  // namespace loom
