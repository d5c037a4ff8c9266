#include <kernels/dream/carry.hpp>
#include <kernels/nn/schedule.hpp>
#include <learn/dreamer/dream.hpp>
#include <limits>
#include <numeric>

namespace loom {
namespace {

/// Latent states that follow the prior alone.
class OpenLoop {
 public:
  OpenLoop(Exec const& exec, RssmShape const& shape, int rows, std::uint64_t seed,
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

  void begin(Exec const& exec, InRows<float> feature) {
    copy(exec, In<float>(feature.data, feature_.size()), feature_.out());
  }
  void step(Exec const& exec, InRows<float> action) {
    OutRows<float> const a(action_.data(), rows_, shape_.actions),
        state(feature_.data(), rows_, shape_.feature()), h = h_of(shape_, state),
                                                         z = z_of(shape_, state);
    visit(exec, [&](auto e) { carry_action(e, no_first_.in(), action, a); });
    recurrence_->forward(exec, 0, h, z, a, h);
    latents_.sample(exec, prior_.forward(exec, 0, {h}), {seed_, streams_.in(), tick_.in()}, z);
    visit(exec, [&](auto e) { advance(e, tick_.out()); });
  }
  InRows<float> feature() const { return {feature_.data(), rows_, shape_.feature()}; }

 private:
  RssmShape shape_;
  int rows_;
  std::uint64_t seed_;
  std::unique_ptr<Recurrence> recurrence_;
  Stack prior_;
  Latents latents_;
  Buffer<float> feature_, action_, no_first_;
  Buffer<std::uint32_t> streams_, tick_;
};

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

/// Deviation of every field over all instances and steps, 1 where nothing varies; `common`: the root mean square of
/// them all instead, for pictures, of which most never change.
std::vector<double> deviations(DreamReport const& r, bool common) {
  auto const n = static_cast<std::size_t>(r.fields);
  std::vector<double> sum(n), squares(n);
  for (std::size_t i = 0; i < r.observation.size(); ++i) {
    double const x = static_cast<double>(r.observation[i]);
    sum[i % n] += x, squares[i % n] += x * x;
  }
  double const count = static_cast<double>(r.observation.size() / n);
  std::vector<double> variance(n);
  for (std::size_t f = 0; f < n; ++f)
    variance[f] = squares[f] / count - sum[f] / count * (sum[f] / count);
  if (common) variance.assign(n, std::accumulate(variance.begin(), variance.end(), 0.) / r.fields);
  for (double& v : variance) v = v > 1e-12 ? std::sqrt(v) : 1;
  return variance;
}

double error_of(DreamReport const& r, std::vector<float> const& guess, int step) {
  double squares = 0, count = 0;
  for (int i = 0; i < r.instances; ++i) {
    if (!r.whole[static_cast<std::size_t>(i)]) continue;
    for (int f = 0; f < r.fields; ++f) {
      auto const at = static_cast<std::size_t>((step * r.instances + i) * r.fields + f);
      double const error = static_cast<double>(guess[at] - r.observation[at]) /
                           r.deviation[static_cast<std::size_t>(f)];
      squares += error * error, count += 1;
    }
  }
  return count > 0 ? std::sqrt(squares / count) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

double DreamReport::reconstruction_error(int step) const {
  return error_of(*this, reconstruction, step);
}

double DreamReport::dream_error(int step) const { return error_of(*this, dream, step); }

DreamReport dream(Dreamer& dreamer, VectorEnv& env, int context, int horizon) {
  require<ConfigError>(context > 0 && horizon > 0, "dream: ", context, " steps seen and ", horizon,
                       " dreamed (needs at least 1 of both)");
  WorldShape const& shape = dreamer.shape().world;
  Exec const& exec = env.exec();
  int const n = env.num_envs();
  DreamReport r;
  r.instances = n, r.fields = shape.observation, r.context = context;
  r.steps = context + horizon;
  r.whole.assign(static_cast<std::size_t>(n), true);
  LatentPolicy policy(exec, dreamer.shape(), env.spec().actions, n, env.config().seed,
                      dreamer.world(), dreamer.actor());
  ObservationDecoder decoder(exec, shape, n, dreamer.world(), false);
  Observer observer(env, shape);
  OpenLoop loop(exec, shape.rssm, n, env.config().seed + 1, dreamer.world());
  auto first = uploaded(exec, std::vector<float>(static_cast<std::size_t>(n), 1.F));
  auto const append = [](std::vector<float>& to, std::vector<float> const& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  auto const decoded = [&](InRows<float> feature) {
    decoder.forward(exec, feature);
    return decoder.values(exec);
  };
  for (int t = 0; t < r.steps; ++t) {
    Observation const seen = observer.observe(exec, env);
    // Its action is still the one before: what the dream goes on with.
    if (t > context) loop.step(exec, policy.action());
    policy.act(exec, seen, first.in(), {true, false});
    fill_zero(exec, first.out());
    if (t <= context) loop.begin(exec, policy.feature());
    append(r.observation, numbers_of(exec, seen));
    append(r.reconstruction, decoded(policy.feature()));
    append(r.dream, decoded(loop.feature()));
    policy.hand_over(exec, env);
    env.step();
    auto const terminated = download(exec, env.terminated()),
               truncated = download(exec, env.truncated());
    for (int i = 0; i < n && t + 1 < r.steps; ++i) {
      auto const at = static_cast<std::size_t>(i);
      if (terminated[at] != 0 || truncated[at] != 0) r.whole[at] = false;
    }
  }
  r.deviation = deviations(r, shape.images.has_value());
  return r;
}

}  // namespace loom
