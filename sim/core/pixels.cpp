#include <kernels/core/error.hpp>
#include <sim/core/pixels.hpp>

namespace loom {
namespace {

std::size_t count(int a, int b, int c = 1) {
  return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) * static_cast<std::size_t>(c);
}

PixelConfig checked(PixelConfig const& config) {
  require<ConfigError>(config.size >= 4 && config.size <= 1024 && config.size % 4 == 0,
                       "pixels: size is ", config.size, " (needs a multiple of 4, 4 to 1024)");
  require<ConfigError>(config.stack >= 1 && config.stack <= 16, "pixels: stack is ", config.stack,
                       " (needs 1 to 16)");
  return config;
}

}  // namespace

Pixels::Pixels(VectorEnv const& env, PixelConfig config, int steps)
    : config_(checked(config)),
      steps_(steps),
      padded_(env.padded()),
      pixels_(config.size * config.size) {
  int const limit = env.memory().max_steps;
  require<ConfigError>(steps >= 1 && steps <= limit, "pixels: rollouts of ", steps,
                       " steps (needs 1 to the time limit of ", limit, ")");
  Exec const& exec = env.exec();
  int const times = steps_ + 1;
  scenes_ = Buffer<Scene>(exec, count(padded_, 1));
  last_scenes_ = Buffer<Scene>(exec, count(padded_, 1));
  frames_ = zeros<std::uint8_t>(exec, count(config_.stack - 1 + times, padded_, 3 * pixels_));
  last_frames_ = zeros<std::uint8_t>(exec, count(padded_, 3 * pixels_));
  age_ = zeros<std::int32_t>(exec, count(times, padded_));
  std::vector<std::int32_t> all(count(times, padded_));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
  places_ = uploaded(exec, all);
  last_places_ = uploaded(exec, std::vector<std::int32_t>(count(padded_, 1), -1));
}

FrameHistory Pixels::history() const {
  return {frames_.data(), age_.data(), padded_, pixels_, config_.stack};
}

Out<std::uint8_t> Pixels::frame(int slot) {
  std::size_t const size = count(padded_, 3 * pixels_);
  return frames_.out().slice(static_cast<std::size_t>(slot) * size, size);
}

Out<std::uint8_t> Pixels::past() {
  std::size_t const size = count(padded_, 3 * pixels_);
  return frames_.out().slice(count(steps_, 1) * size, count(config_.stack - 1, 1) * size);
}

void Pixels::begin(Exec const& exec) {
  // One after another: with few steps old and new slots overlap.
  for (int s = 0; s < config_.stack; ++s) copy<std::uint8_t>(exec, frame(steps_ + s), frame(s));
  visit(exec, [&](auto e) { forget_places(e, padded_, last_places_.data()); });
}

void Pixels::see(Exec const& exec, VectorEnv const& env, int t) {
  env.draw(exec, scenes_.out());
  visit(exec, [&](auto e) {
    render(e, scenes_.in(), {config_.size, config_.size}, frame(config_.stack - 1 + t));
    note_ages(e, env.memory(), age_.data() + count(t, padded_));
  });
}

void Pixels::step(Exec const& exec, VectorEnv& env, RolloutView const& out, int t) {
  visit(exec, [&](auto e) { skip_scenes(e, padded_, last_scenes_.data()); });
  env.step_seen(exec, out, t, last_scenes_.data());
  EnvMemory const now = at_step(env.memory(), out, t);
  visit(exec, [&](auto e) {
    render(e, last_scenes_.in(), {config_.size, config_.size}, last_frames_.out());
    note_truncated(e, padded_, t, now.truncated, last_places_.data());
  });
}

void Pixels::observe(Exec const& exec, In<std::int32_t> places,
                     OutRows<std::uint8_t> observation) const {
  visit(exec, [&](auto e) { stack_frames(e, history(), places, observation); });
}

void Pixels::observe(Exec const& exec, int t, OutRows<std::uint8_t> observation) const {
  observe(exec, places_.in().slice(count(t, padded_), count(padded_, 1)), observation);
}

void Pixels::observe_last(Exec const& exec, OutRows<std::uint8_t> observation) const {
  InRows<std::uint8_t> const newest(last_frames_.data(), padded_, 3 * pixels_);
  visit(exec,
        [&](auto e) { stack_last_frames(e, history(), last_places_.in(), newest, observation); });
}

}  // namespace loom
