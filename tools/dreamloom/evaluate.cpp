#include <tools/dreamloom/evaluate.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace loom {
namespace {

constexpr int kAtOnce = 1024;

/// Steps one batch until the first episode of every instance has ended.
void run_batch(Algorithm& learner, Exec const& exec, VectorEnvConfig const& batch,
               Evaluation& result) {
  VectorEnv env(exec, batch);
  std::unique_ptr<Player> const player = learner.player(env);
  auto const rows = static_cast<std::size_t>(env.num_envs());
  std::vector<double> returns(rows, 0);
  std::vector<int> lengths(rows, 0);
  std::vector<bool> ended(rows, false), arrived(rows, false);
  for (int running = env.num_envs(); running > 0;) {
    player->act(ActMode::greedy);
    env.step();
    auto const reward = download(exec, env.reward().slice(0, rows));
    auto const terminated = download(exec, env.terminated().slice(0, rows));
    auto const truncated = download(exec, env.truncated().slice(0, rows));
    for (std::size_t i = 0; i < rows; ++i) {
      if (ended[i]) continue;
      returns[i] += static_cast<double>(reward[i]);
      ++lengths[i];
      ended[i] = terminated[i] != 0 || truncated[i] != 0;
      arrived[i] = terminated[i] != 0;
      if (ended[i]) --running;
    }
  }
  result.returns.insert(result.returns.end(), returns.begin(), returns.end());
  result.lengths.insert(result.lengths.end(), lengths.begin(), lengths.end());
  result.terminated.insert(result.terminated.end(), arrived.begin(), arrived.end());
  result.goal = env.spec().goal;
}

}  // namespace

double Evaluation::mean() const {
  return std::accumulate(returns.begin(), returns.end(), 0.0) / static_cast<double>(returns.size());
}

double Evaluation::deviation() const {
  if (returns.size() < 2) return 0;
  double const m = mean();
  double sum = 0;
  for (double const r : returns) sum += (r - m) * (r - m);
  return std::sqrt(sum / static_cast<double>(returns.size() - 1));
}

double Evaluation::lowest() const { return *std::min_element(returns.begin(), returns.end()); }
double Evaluation::highest() const { return *std::max_element(returns.begin(), returns.end()); }
double Evaluation::mean_length() const {
  return std::accumulate(lengths.begin(), lengths.end(), 0.0) / static_cast<double>(lengths.size());
}

std::optional<double> Evaluation::success() const {
  if (!goal) return {};
  auto const n = std::count(terminated.begin(), terminated.end(), true);
  return static_cast<double>(n) / static_cast<double>(terminated.size());
}

Evaluation evaluate(Algorithm& learner, Exec const& exec, VectorEnvConfig const& batch,
                    int episodes) {
  require<ConfigError>(episodes >= 1, "evaluation: ", episodes, " episodes (needs 1 or more)");
  Evaluation result;
  for (int first = 0; first < episodes; first += kAtOnce) {
    VectorEnvConfig part = batch;
    part.first_instance = batch.first_instance + first;
    part.num_envs = std::min(kAtOnce, episodes - first);
    run_batch(learner, exec, part, result);
  }
  return result;
}

}  // namespace loom
