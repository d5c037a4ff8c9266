#include <kernels/dream/carry.hpp>
#include <kernels/nn/schedule.hpp>
#include <learn/dreamer/open_loop.hpp>
#include <numeric>

namespace loom {

namespace {

/// On the host, colours in [0, 1].
std::vector<float> numbers_of(Exec const& exec, Observation const& x) {
  if (x.bytes.data == nullptr)
    return download(exec, In<float>(x.floats.data, elements(x.rows(), x.cols())));
  std::vector<float> numbers;
  for (std::uint8_t const byte :
       download(exec, In<std::uint8_t>(x.bytes.data, elements(x.rows(), x.cols()))))
    numbers.push_back(static_cast<float>(byte) / 255.F);
  return numbers;
}

}  // namespace

OpenLoop::OpenLoop(Exec const& exec, RssmShape const& shape, int rows, std::uint64_t seed,
                   Parameters& world)
    : shape_(shape),
      rows_(rows),
      seed_(seed),
      recurrence_(make_recurrence(exec, shape, rows, 1, world, "recurrence", false)),
      prior_(exec, shape.prior(), rows, 1, world, "prior", false),
      latents_(exec, shape.latents, rows),
      feature_(exec, elements(rows, shape.feature())),
      action_(exec, elements(rows, shape.actions)),
      no_first_(zeros<float>(exec, static_cast<std::size_t>(rows))),
      tick_(zeros<std::uint32_t>(exec, 1)) {
  std::vector<std::uint32_t> streams(static_cast<std::size_t>(rows));
  std::iota(streams.begin(), streams.end(), 0U);
  streams_ = uploaded(exec, streams);
}

void OpenLoop::begin(Exec const& exec, InRows<float> feature) {
  copy(exec, In<float>(feature.data, feature_.size()), feature_.out());
}

void OpenLoop::step(Exec const& exec, InRows<float> action) {
  OutRows<float> const a(action_.data(), rows_, shape_.actions),
      state(feature_.data(), rows_, shape_.feature()), h = h_of(shape_, state),
                                                       z = z_of(shape_, state);
  visit(exec, [&](auto e) { carry_action(e, no_first_.in(), action, a); });
  recurrence_->forward(exec, 0, h, z, a, h);
  latents_.sample(exec, prior_.forward(exec, 0, {h}), {seed_, streams_.in(), tick_.in()}, z);
  visit(exec, [&](auto e) { advance(e, tick_.out()); });
}

Watcher::Watcher(VectorEnv& env, BehaviourShape const& shape, Parameters& world, Parameters& actor)
    : env_(env),
      observer_(env, shape.world),
      policy_(env.exec(), shape, env.spec().actions, env.num_envs(), env.config().seed, world,
              actor),
      first_(uploaded(env.exec(),
                      std::vector<float>(static_cast<std::size_t>(env.num_envs()), 1.F))) {}

std::vector<float> Watcher::see() {
  Exec const& exec = env_.exec();
  Observation const seen = observer_.observe(exec, env_);
  policy_.act(exec, seen, first_.in(), {true, false});
  fill_zero(exec, first_.out());
  return numbers_of(exec, seen);
}

std::vector<bool> Watcher::step() {
  Exec const& exec = env_.exec();
  policy_.hand_over(exec, env_);
  env_.step();
  auto const terminated = download(exec, env_.terminated()),
             truncated = download(exec, env_.truncated());
  std::vector<bool> ended;
  for (int i = 0; i < env_.num_envs(); ++i) {
    auto const at = static_cast<std::size_t>(i);
    ended.push_back(terminated[at] != 0 || truncated[at] != 0);
  }
  return ended;
}

}  // namespace loom
