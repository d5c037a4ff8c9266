#include <tools/dreamloom/bench_rows.hpp>

#include <algorithm>
#include <cctype>
#include <memory>
#include <sim/core/vector_env.hpp>
#include <tools/dreamloom/environments.hpp>

namespace loom {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// Every parameter uniform within 10 % of its default, as far as that is admissible.
std::vector<ParameterRule> randomised(EnvEntry const& entry) {
  std::vector<ParameterRule> rules;
  for (ParamSpec const& p : parameters_of(entry)) {
    double const a = 0.9 * static_cast<double>(p.value), b = 1.1 * static_cast<double>(p.value);
    rules.push_back({p.name, Distribution::uniform,
                     std::max(std::min(a, b), static_cast<double>(p.admissible.low)),
                     std::min(std::max(a, b), static_cast<double>(p.admissible.high)), "bench"});
  }
  return rules;
}

/// Random actions, all parameters randomised, auto-reset, statistics and observations included.
BenchRow step_row(Exec const& exec, EnvEntry const& entry, int num_envs, std::string name) {
  auto env = std::make_shared<VectorEnv>(
      exec, batch_of(entry.spec().name, num_envs, 1, randomised(entry)));
  double const n = num_envs;
  BenchRow row{std::move(name), "steps", n, 0, 0, 0, [env] { env->step_random(); }};
  // A record is read once and its state and books written; observation, reward and flags written.
  int const fields =
      2 * entry.cpu->record_fields - entry.cpu->num_parameters + entry.spec().observation + 1;
  row.bytes = n * (4.0 * fields + 2);
  row.working_set = n * (4.0 * (entry.cpu->record_fields + entry.spec().observation + 1) + 2);
  return row;
}

}  // namespace

std::vector<BenchRow> bench_rows(Exec const& exec, std::string const& filter) {
  std::vector<BenchRow> rows;
  auto const wanted = [&](std::string const& name) {
    return lower(name).find(lower(filter)) != std::string::npos;
  };
  for (EnvEntry const& entry : environments()) {
    for (int const num_envs : {64, 4096, 65536}) {
      std::string const name =
          std::string(entry.spec().name) + " step, " + std::to_string(num_envs);
      if (wanted(name)) rows.push_back(step_row(exec, entry, num_envs, name));
    }
  }
  return rows;
}

}  // namespace loom
