#include <cmath>
#include <learn/dreamer/dream.hpp>
#include <learn/dreamer/open_loop.hpp>
#include <limits>
#include <numeric>

namespace loom {
namespace {

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
  Watcher watcher(env, dreamer.shape(), dreamer.world(), dreamer.actor());
  LatentPolicy const& policy = watcher.policy();
  ObservationDecoder decoder(exec, shape, n, dreamer.world(), false);
  OpenLoop loop(exec, shape.rssm, n, env.config().seed + 1, dreamer.world());
  auto const append = [](std::vector<float>& to, std::vector<float> const& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (int t = 0; t < r.steps; ++t) {
    // Its action is still the one before: what the dream goes on with.
    if (t > context) loop.step(exec, policy.action());
    append(r.observation, watcher.see());
    if (t <= context) loop.begin(exec, policy.feature());
    append(r.reconstruction, decoder.predict(exec, policy.feature()));
    append(r.dream, decoder.predict(exec, loop.feature()));
    std::vector<bool> const ended = watcher.step();
    for (std::size_t i = 0; i < ended.size() && t + 1 < r.steps; ++i)
      if (ended[i]) r.whole[i] = false;
  }
  r.deviation = deviations(r, shape.images.has_value());
  return r;
}

}  // namespace loom
