#include <sys/resource.h>
#include <kernels/core/device_memory.hpp>
#include <tools/dreamloom/pace.hpp>
#include <utility>

namespace loom {
namespace {

double of(Metrics const& all, std::string const& name) {
  for (auto const& [key, value] : all)
    if (key == name) return value;
  return 0;
}

double peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

}  // namespace

Pace::Pace(Exec const& exec, Algorithm& algorithm)
    : exec_(exec), algorithm_(algorithm), begin_(Clock::now()), before_(counts()) {}

void Pace::iterate(bool last) {
  bool const times = last || on_cpu(exec_);
  if (times) synchronize(exec_);
  auto const start = Clock::now();
  algorithm_.collect();
  if (times) synchronize(exec_);
  auto const middle = Clock::now();
  algorithm_.update();
  if (!times) return;
  synchronize(exec_);
  collect_s_ += std::chrono::duration<double>(middle - start).count();
  update_s_ += std::chrono::duration<double>(Clock::now() - middle).count();
}

void Pace::evaluated(double seconds) { evaluate_s_ += seconds; }

Metrics Pace::row() {
  auto const now = Clock::now();
  double const all_s = std::chrono::duration<double>(now - std::exchange(begin_, now)).count();
  double const training_s = all_s - evaluate_s_;
  Counts const after = counts(), before = std::exchange(before_, after);
  Metrics row;
  if (training_s > 0) {
    row.emplace_back("env_steps_per_s",
                     static_cast<double>(after.env_steps - before.env_steps) / training_s);
    for (auto const& [name, count] : after.work)
      row.emplace_back(name + "_per_s", (count - of(before.work, name)) / training_s);
    if (double const timed_s = collect_s_ + update_s_; timed_s > 0) {
      double const collect_share = collect_s_ / timed_s * training_s / all_s;
      row.emplace_back("collect_share", collect_share);
      row.emplace_back("update_share", training_s / all_s - collect_share);
    }
    row.emplace_back("evaluate_share", evaluate_s_ / all_s);
    for (auto const& [name, seconds] : after.spent)
      row.emplace_back(name + "_share", (seconds - of(before.spent, name)) / all_s);
    row.emplace_back("peak_memory_bytes", peak_memory_bytes());
    if (!on_cpu(exec_))
      row.emplace_back("device_memory_bytes", static_cast<double>(device_memory_in_use(exec_)));
  }
  collect_s_ = update_s_ = evaluate_s_ = 0;
  return row;
}

}  // namespace loom
