// dreamloom envs: the environments, their spaces and their physical parameters.
#include <fmt/format.h>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tools/dreamloom/commands.hpp>
#include <tools/dreamloom/environments.hpp>

namespace loom {
namespace {

std::string bound(float x) {
  if (std::isinf(x)) return x < 0 ? "-inf" : "inf";
  return fmt::format("{:.6g}", x);
}

nlohmann::ordered_json json_of(EnvEntry const& entry) {
  EnvSpec const& spec = entry.spec();
  auto parameters = nlohmann::ordered_json::array();
  for (ParamSpec const& p : parameters_of(entry)) {
    parameters.push_back({{"name", p.name},
                          {"unit", p.unit},
                          {"default", p.value},
                          {"low", p.admissible.low},
                          {"high", p.admissible.high}});
  }
  nlohmann::ordered_json actions{{"discrete", spec.actions.discrete}, {"size", spec.actions.size}};
  if (!spec.actions.discrete) {
    actions["low"] = spec.actions.low;
    actions["high"] = spec.actions.high;
  }
  return {
      {"name", spec.name},       {"summary", spec.summary},     {"observation", spec.observation},
      {"actions", actions},      {"max_steps", spec.max_steps}, {"source", spec.source},
      {"parameters", parameters}};
}

void print_detail(EnvEntry const& entry) {
  EnvSpec const& spec = entry.spec();
  fmt::print("{}: {}\n", spec.name, spec.summary);
  fmt::print("  actions       {}\n", describe(spec.actions));
  fmt::print("  observation   {} numbers\n", spec.observation);
  for (int i = 0; i < spec.observation; ++i) {
    fmt::print("    [{}]         {} to {}\n", i, bound(spec.observation_low[i]),
               bound(spec.observation_high[i]));
  }
  fmt::print("  time limit    {} steps\n", spec.max_steps);
  if (*spec.source != '\0') fmt::print("  source        {}\n", spec.source);
  fmt::print("  parameters    {:<20} {:>10}  {:<10} {}\n", "name", "default", "unit", "range");
  for (ParamSpec const& p : parameters_of(entry)) {
    fmt::print("                {:<20} {:>10.6g}  {:<10} {:.6g} to {:.6g}\n", p.name, p.value,
               p.unit, p.admissible.low, p.admissible.high);
  }
}

void print_table() {
  fmt::print("{:<22} {:<14} {:>5} {:>6} {:>7}  {}\n", "name", "actions", "obs", "steps", "params",
             "summary");
  for (EnvEntry const& entry : environments()) {
    EnvSpec const& spec = entry.spec();
    fmt::print("{:<22} {:<14} {:>5} {:>6} {:>7}  {}\n", spec.name, describe(spec.actions),
               spec.observation, spec.max_steps, entry.cpu->num_parameters, spec.summary);
  }
}

}  // namespace

int envs(EnvsOptions const& o) {
  if (o.json) {
    auto json = nlohmann::ordered_json::array();
    for (EnvEntry const& entry : environments()) {
      if (o.name.empty() || o.name == entry.spec().name) json.push_back(json_of(entry));
    }
    if (!o.name.empty()) json = json_of(environment_called(o.name));
    fmt::print("{}\n", json.dump(2));
  } else if (o.name.empty()) {
    print_table();
  } else {
    print_detail(environment_called(o.name));
  }
  return 0;
}

}  // namespace loom
