// dreamloom bench: this machine's ceilings, then what we reach of them.
#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <tools/dreamloom/bench_rows.hpp>
#include <tools/dreamloom/ceilings.hpp>
#include <tools/dreamloom/commands.hpp>
#include <tools/dreamloom/device.hpp>
#include <tools/dreamloom/progress.hpp>

namespace loom {
namespace {

/// Seconds that no program could go below on this machine.
double floor_s(BenchRow const& row, Ceilings const& c, Exec const& exec) {
  // On the CPU a small call runs in the calling thread, without waking others.
  double const launch_s = on_cpu(exec) ? 0 : c.launch_s;
  return std::max({row.bytes / c.bytes_per_s(row.working_set), row.flops / c.flops, launch_s});
}

std::string size_text(double bytes) {
  static constexpr char const* kUnits[] = {"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  return fmt::format("{:.3g} {}", bytes, kUnits[unit]);
}

nlohmann::ordered_json ceilings_json(Ceilings const& c) {
  auto copies = nlohmann::ordered_json::array();
  for (auto const& copy : c.copies) {
    copies.push_back({{"working_set", copy.working_set}, {"bytes_per_s", copy.bytes_per_s}});
  }
  return {{"copies", copies}, {"flops", c.flops}, {"launch_s", c.launch_s}};
}

}  // namespace

int bench(BenchOptions const& o) {
  require<ConfigError>(o.seconds >= 0.001 && o.seconds <= 60, "command line: --seconds ", o.seconds,
                       " (needs a number from 0.001 to 60)");
  Device const device(o.device, o.threads);
  Exec const& exec = device.exec();
  std::vector<BenchRow> const rows = bench_rows(exec, o.filter);
  require<ConfigError>(!rows.empty(), "bench: no row contains \"", o.filter,
                       "\" (without --filter all are shown)");
  Ceilings const ceilings = measure_ceilings(exec, o.seconds);
  if (!o.json) {
    fmt::print("{}\n", describe(exec));
    for (auto const& copy : ceilings.copies) {
      fmt::print("  copy     {:>8.1f} GB/s     within {}\n", copy.bytes_per_s * 1e-9,
                 size_text(copy.working_set));
    }
    fmt::print("  fma      {:>8.1f} GFLOP/s\n", ceilings.flops * 1e-9);
    fmt::print("  launch   {:>8.2f} us       an empty kernel\n\n", ceilings.launch_s * 1e6);
    fmt::print("{:<38} {:>16} {:>12} {:>12} {:>9}\n", "", "rate", "time", "floor", "reached");
  }
  auto json = nlohmann::ordered_json::array();
  for (BenchRow const& row : rows) {
    double const time_s = best_time_s(exec, o.seconds, row.call),
                 least_s = floor_s(row, ceilings, exec);
    if (o.json) {
      json.push_back({{"name", row.name},
                      {"unit", row.unit},
                      {"per_s", row.items / time_s},
                      {"time_s", time_s},
                      {"floor_s", least_s},
                      {"fraction", least_s / time_s}});
    } else {
      fmt::print("{:<38} {:>16} {:>9.2f} us {:>9.2f} us {:>7.0f} %\n", row.name,
                 with_prefix(row.items / time_s) + " " + row.unit + "/s", time_s * 1e6,
                 least_s * 1e6, 100 * least_s / time_s);
      std::fflush(stdout);
    }
  }
  if (o.json) {
    nlohmann::ordered_json const all{
        {"device", describe(exec)}, {"ceilings", ceilings_json(ceilings)}, {"rows", json}};
    fmt::print("{}\n", all.dump(2));
  }
  return 0;
}

}  // namespace loom
