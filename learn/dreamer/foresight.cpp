#include <algorithm>
#include <cmath>
#include <learn/dreamer/foresight.hpp>
#include <learn/dreamer/open_loop.hpp>
#include <limits>
#include <numeric>

namespace loom {
namespace {

/// Every row so many times.
std::vector<float> repeated(std::vector<float> const& rows, std::size_t cols, int times) {
  std::vector<float> all;
  for (auto row = rows.begin(); row != rows.end(); row += static_cast<std::ptrdiff_t>(cols))
    for (int k = 0; k < times; ++k)
      all.insert(all.end(), row, row + static_cast<std::ptrdiff_t>(cols));
  return all;
}

/// The stochastic part of rows [h, z].
std::vector<float> stochastic(std::vector<float> const& features, RssmShape const& shape) {
  auto const row = static_cast<std::size_t>(shape.feature()),
             deter = static_cast<std::size_t>(shape.deter);
  std::vector<float> all;
  for (std::size_t i = 0; i < features.size(); ++i)
    if (i % row >= deter) all.push_back(features[i]);
  return all;
}

std::vector<float> rows_of(Exec const& exec, InRows<float> x) {
  return download(exec, In<float>(x.data, elements(x.rows, x.cols)));
}

double squared_distance(float const* a, float const* b, int n) {
  double sum = 0;
  for (int k = 0; k < n; ++k) sum += std::pow(double{a[k]} - double{b[k]}, 2);
  return sum;
}

/// ln sum_k w_k exp(x_k).
class LogSum {
 public:
  void add(double x, double weight) { terms_.emplace_back(x, weight); }
  double value() const {
    double largest = -std::numeric_limits<double>::infinity();
    for (auto const& [x, w] : terms_) largest = std::max(largest, x);
    double sum = 0;
    for (auto const& [x, w] : terms_) sum += w * std::exp(x - largest);
    return largest + std::log(sum);
  }

 private:
  std::vector<std::pair<double, double>> terms_;
};

}  // namespace

Foresight foresee(Dreamer& dreamer, VectorEnv& env, int context, int samples) {
  require<ConfigError>(context >= 0 && samples > 0, "foresee: ", context, " steps, ", samples,
                       " samples (needs none or more, and at least 1)");
  WorldShape const& shape = dreamer.shape().world;
  RssmShape const& rssm = shape.rssm;
  Exec const& exec = env.exec();
  Foresight f;
  f.instances = env.num_envs(), f.samples = samples;
  f.fields = shape.observation, f.latent = rssm.stochastic();
  Watcher watcher(env, dreamer.shape(), dreamer.world(), dreamer.actor());
  auto const step = [&](int t) {
    std::vector<bool> const ended = watcher.step();
    require<ConfigError>(std::find(ended.begin(), ended.end(), true) == ended.end(),
                         "foresee: an episode ended with step ", t, " (needs all to last for ",
                         context + 1, ")");
  };
  for (int t = 0; t < context; ++t) {
    watcher.see();
    step(t + 1);
  }
  watcher.see();
  LatentPolicy const& policy = watcher.policy();
  int const rows = f.instances * samples;
  auto const width = static_cast<std::size_t>(rssm.feature()),
             actions = static_cast<std::size_t>(rssm.actions);
  auto const feature = uploaded(exec, repeated(rows_of(exec, policy.feature()), width, samples)),
             action = uploaded(exec, repeated(rows_of(exec, policy.action()), actions, samples));
  OpenLoop loop(exec, rssm, rows, env.config().seed + 1, dreamer.world());
  loop.begin(exec, {feature.data(), rows, rssm.feature()});
  loop.step(exec, {action.data(), rows, rssm.actions});
  f.foreseen =
      ObservationDecoder(exec, shape, rows, dreamer.world(), false).predict(exec, loop.feature());
  f.prior = stochastic(rows_of(exec, loop.feature()), rssm);
  step(context + 1);
  f.observation = watcher.see();
  f.posterior = stochastic(rows_of(exec, policy.feature()), rssm);
  return f;
}

Modes modes_of(Foresight const& f) {
  constexpr std::size_t kMost = 16;
  auto const n = static_cast<std::size_t>(f.fields);
  std::vector<std::vector<float>> at;
  std::vector<double> count;
  std::vector<std::size_t> of;
  for (std::size_t i = 0; i < static_cast<std::size_t>(f.instances); ++i) {
    auto const row = f.observation.begin() + static_cast<std::ptrdiff_t>(i * n);
    std::vector<float> const x(row, row + static_cast<std::ptrdiff_t>(n));
    auto const found = std::find(at.begin(), at.end(), x);
    of.push_back(static_cast<std::size_t>(found - at.begin()));
    if (found == at.end()) at.push_back(x), count.push_back(0);
    count[of.back()] += 1;
    if (at.size() > kMost) break;
  }
  require<ConfigError>(
      at.size() > 1 && at.size() <= kMost, "modes: what comes has ",
      at.size() > kMost ? "more than 16" : "1", " value", at.size() > kMost ? "s" : "",
      " (needs a step, as --context says, where one of 2 to 16 observations comes)");
  std::vector<std::size_t> order(at.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return count[a] > count[b]; });
  Modes m;
  std::vector<int> place(at.size());
  for (std::size_t const k : order) {
    place[k] = static_cast<int>(m.at.size());
    m.at.push_back(at[k]);
    m.share.push_back(count[k] / f.instances);
  }
  for (std::size_t const k : of) m.of.push_back(place[k]);
  double nearest = std::numeric_limits<double>::infinity();
  for (std::size_t a = 0; a < at.size(); ++a)
    for (std::size_t b = 0; b < a; ++b)
      nearest = std::min(nearest, squared_distance(at[a].data(), at[b].data(), f.fields));
  m.apart = std::sqrt(nearest);
  return m;
}

ForesightScore score(Foresight const& f, Modes const& modes) {
  auto const n = static_cast<std::size_t>(f.fields), k = modes.at.size();
  double const near = modes.apart / 4, variance = std::pow(modes.apart / 8, 2);
  ForesightScore s;
  s.share.assign(k, 0);
  for (std::size_t i = 0; i < static_cast<std::size_t>(f.instances); ++i) {
    float const* const truth = f.observation.data() + i * n;
    std::vector<double> mine(k, 0);
    LogSum drawn, known;
    for (std::size_t j = 0; j < static_cast<std::size_t>(f.samples); ++j) {
      float const* const draw =
          f.foreseen.data() + (i * static_cast<std::size_t>(f.samples) + j) * n;
      drawn.add(-squared_distance(draw, truth, f.fields) / (2 * variance), 1. / f.samples);
      for (std::size_t m = 0; m < k; ++m)
        if (squared_distance(draw, modes.at[m].data(), f.fields) <= near * near)
          mine[m] += 1. / f.samples;
    }
    for (std::size_t m = 0; m < k; ++m) {
      double const to_mode = squared_distance(modes.at[m].data(), truth, f.fields);
      known.add(-to_mode / (2 * variance), modes.share[m]);
      s.share[m] += mine[m] / f.instances;
      s.coverage +=
          (mine[m] >= modes.share[m] / 2 ? 1. : 0.) / static_cast<double>(k) / f.instances;
    }
    s.log_likelihood += (drawn.value() - known.value()) / f.instances;
  }
  s.neither = 1 - std::accumulate(s.share.begin(), s.share.end(), 0.);
  return s;
}

}  // namespace loom
