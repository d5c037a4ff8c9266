// What environments there are and what they are like.
#include <sim/c/handle.hpp>

namespace loom::c {
namespace {

dreamloom_spec spec_of(EnvEntry const& entry, int max_steps) {
  EnvSpec const& s = entry.spec();
  return {s.name,
          s.summary,
          s.source,
          s.actions.discrete ? 1 : 0,
          s.actions.size,
          s.actions.fields(),
          s.actions.low,
          s.actions.high,
          s.observation,
          s.observation_low,
          s.observation_high,
          max_steps,
          entry.cpu->num_parameters};
}

void require_index(std::int32_t index, int count, char const* of) {
  require<ConfigError>(index >= 0 && index < count, "index is ", index, " (there are ", count, " ",
                       of, ", from 0)");
}

}  // namespace
}  // namespace loom::c

using namespace loom;
using namespace loom::c;

dreamloom_status dreamloom_device_count(int32_t* count) {
  return guarded(__func__, [&] {
    require_pointer(count, "count");
    *count = device_count();
  });
}

dreamloom_status dreamloom_environment_count(int32_t* count) {
  return guarded(__func__, [&] {
    require_pointer(count, "count");
    *count = static_cast<int32_t>(environments().size());
  });
}

dreamloom_status dreamloom_environment_name(int32_t index, char const** name) {
  return guarded(__func__, [&] {
    require_pointer(name, "name");
    std::vector<EnvEntry> const& all = environments();
    require_index(index, static_cast<int>(all.size()), "environments");
    *name = all[static_cast<std::size_t>(index)].spec().name;
  });
}

dreamloom_status dreamloom_environment_spec(char const* environment, dreamloom_spec* spec) {
  return guarded(__func__, [&] {
    require_pointer(environment, "environment");
    require_pointer(spec, "spec");
    EnvEntry const& entry = find_environment(environment);
    *spec = spec_of(entry, entry.spec().max_steps);
  });
}

dreamloom_status dreamloom_environment_parameter(char const* environment, int32_t index,
                                                 dreamloom_parameter* parameter) {
  return guarded(__func__, [&] {
    require_pointer(environment, "environment");
    require_pointer(parameter, "parameter");
    EnvEntry const& entry = find_environment(environment);
    require_index(index, entry.cpu->num_parameters, "parameters");
    ParamSpec const& p = entry.cpu->parameters[index];
    *parameter = {p.name, p.unit, p.value, p.admissible.low, p.admissible.high};
  });
}

dreamloom_status dreamloom_env_spec(dreamloom_env const* env, dreamloom_spec* spec) {
  return with_batch(__func__, env, [&](Batch const& batch, auto) {
    require_pointer(spec, "spec");
    *spec = spec_of(find_environment(batch.env.spec().name), batch.env.memory().max_steps);
  });
}
