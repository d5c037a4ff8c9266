#include <algorithm>
#include <cstring>
#include <kernels/core/names.hpp>
#include <sim/core/snapshot.hpp>
#include <sim/core/vector_env.hpp>

namespace loom {
namespace {

/// Calls f(exec, kernels of that machine).
template <class F>
void with_kernels(Exec const& exec, EnvEntry const& entry, F const& f) {
  visit(exec, [&](auto e) {
    if constexpr (std::is_same_v<decltype(e), Cpu>)
      f(e, *entry.cpu);
    else
      f(e, *entry.gpu);
  });
}

ParameterRange range_of(std::string const& env, ParamSpec const& p, ParameterChoice const& c) {
  float const low = p.admissible.low, high = p.admissible.high;
  auto check = [&](char const* what, float v) {
    require<ConfigError>(v >= low && v <= high, env, ".", p.name, ": ", what, " is ", v,
                         " (allowed: ", low, " to ", high, " ", p.unit, ")");
  };
  switch (c.distribution) {
    case Distribution::fixed:
      check("the value", c.a);
      break;
    case Distribution::log_uniform:
      require<ConfigError>(c.a > 0, env, ".", p.name, ": log_uniform from ", c.a,
                           " (needs a positive lower end)");
      [[fallthrough]];
    case Distribution::uniform:
      check("the lower end", c.a);
      check("the upper end", c.b);
      require<ConfigError>(c.a <= c.b, env, ".", p.name, ": range from ", c.a, " to ", c.b,
                           " is upside down");
      break;
    case Distribution::normal:
      check("the mean", c.a);
      require<ConfigError>(c.b >= 0, env, ".", p.name, ": deviation is ", c.b,
                           " (needs 0 or more)");
      break;
  }
  return {c.distribution, c.a, c.b, low, high};
}

}  // namespace

VectorEnv::VectorEnv(Exec const& exec, VectorEnvConfig config)
    : exec_(exec),
      config_(std::move(config)),
      entry_(&find_environment(config_.name)),
      spec_(entry_->cpu->spec) {
  require<ConfigError>(config_.num_envs >= 1, "vector env: num_envs is ", config_.num_envs,
                       " (needs 1 or more)");
  require<ConfigError>(config_.max_steps >= 0, "vector env: max_steps is ", config_.max_steps,
                       " (needs 0 or more)");
  require<ConfigError>(config_.frame_skip >= 1, "vector env: frame_skip is ", config_.frame_skip,
                       " (needs 1 or more)");
  check_and_fill_ranges();
  auto const n = static_cast<std::size_t>(padded_to_tile(config_.num_envs));
  auto fields = [&](int f) { return Buffer<float>(exec_, n * static_cast<std::size_t>(f)); };
  record_ = fields(record_fields_);
  observation_ = fields(observation_fields());
  final_observation_ = fields(observation_fields());
  action_ = fields(action_fields());
  reward_ = zeros<float>(exec_, n);
  terminated_ = zeros<std::uint8_t>(exec_, n);
  truncated_ = zeros<std::uint8_t>(exec_, n);
  fill_zero(exec_, final_observation_.out());
  fill_zero(exec_, action_.out());
  int const limit = config_.max_steps > 0 ? config_.max_steps : spec_->max_steps;
  memory_ = {{record_.data(), record_fields_},
             {observation_.data(), observation_fields()},
             {final_observation_.data(), observation_fields()},
             {action_.data(), action_fields()},
             reward_.data(),
             terminated_.data(),
             truncated_.data(),
             ranges_.data(),
             config_.seed,
             static_cast<int>(n),
             config_.num_envs,
             (limit + config_.frame_skip - 1) / config_.frame_skip,
             config_.frame_skip,
             entry_->book(),
             disturbed_};

  // Records begin as zeros; only the stream differs: the instance's global number.
  std::vector<float> record(record_.size(), 0.F);
  Tiles<float> const tiles{record.data(), record_fields_};
  int const stream = memory_.book + static_cast<int>(Book::stream);
  for (int i = 0; i < memory_.num_envs; ++i)
    tiles.at(stream, i) = as_float(static_cast<std::int32_t>(config_.first_instance + i));
  upload<float>(exec_, record, record_.out());
  reset();
}

void VectorEnv::check_and_fill_ranges() {
  std::vector<ParamSpec> const specs = parameters();
  std::vector<ParameterRange> ranges;
  for (ParamSpec const& p : specs)
    ranges.push_back(range_of(config_.name, p, {p.name, Distribution::fixed, p.value, 0}));
  for (ParameterChoice const& c : config_.parameters) {
    auto const p = std::find_if(specs.begin(), specs.end(),
                                [&](ParamSpec const& s) { return c.name == s.name; });
    std::vector<std::string> known;
    for (ParamSpec const& s : specs) known.emplace_back(s.name);
    require<ConfigError>(p != specs.end(),
                         unknown_name(config_.name + " parameter", c.name, known));
    ranges[static_cast<std::size_t>(p - specs.begin())] = range_of(config_.name, *p, c);
  }
  bool const disturbed =
      std::any_of(ranges.end() - kDisturbances, ranges.end(), [](ParameterRange const& r) {
        return r.a != 0 || (r.distribution != Distribution::fixed && r.b != 0);
      });
  bool const made = ranges_.size() != 0;
  require<ConfigError>(disturbed_ || !disturbed || !made, config_.name,
                       ": noise, delay and sticky actions begin with the batch (name one of them "
                       "when it is made; this batch has none)");
  if (!made) {
    disturbed_ = disturbed;
    record_fields_ = entry_->record_fields(disturbed_);
    ranges_ = Buffer<ParameterRange>(exec_, ranges.size());
  }
  upload<ParameterRange>(exec_, ranges, ranges_.out());
}

void VectorEnv::randomise(std::vector<ParameterChoice> const& choices) {
  std::vector<ParameterChoice> changed = config_.parameters;
  for (ParameterChoice const& c : choices) {
    std::erase_if(changed, [&](ParameterChoice const& old) { return old.name == c.name; });
    changed.push_back(c);
  }
  std::swap(config_.parameters, changed);
  try {
    check_and_fill_ranges();
  } catch (...) {
    std::swap(config_.parameters, changed);
    throw;
  }
}

void VectorEnv::reset() {
  with_kernels(exec_, *entry_, [&](auto e, auto const& k) { k.reset(e, memory_); });
}
void VectorEnv::step(Exec const& exec) {
  with_kernels(exec, *entry_, [&](auto e, auto const& k) { k.step(e, memory_); });
}
void VectorEnv::step_random() {
  with_kernels(exec_, *entry_, [&](auto e, auto const& k) { k.step_random(e, memory_); });
}

void VectorEnv::rollout(Exec const& exec, PolicyView const& policy, RolloutView const& out) {
  auto check = [&](char const* who, MlpView const& net, int outputs) {
    DenseStack const& s = net.stack;
    require(s.layers[0].inputs == observation_fields() && s.layers[s.depth - 1].outputs == outputs,
            "rollout: the ", who, " maps ", s.layers[0].inputs, " to ",
            s.layers[s.depth - 1].outputs, " (", config_.name, " needs ", observation_fields(),
            " to ", outputs, ")");
  };
  require(policy.actor.stack.depth > 0, "rollout: a policy without layers");
  check("actor", policy.actor, spec_->actions.size);
  if (policy.critic.stack.depth > 0) check("critic", policy.critic, 1);
  require(spec_->actions.discrete || policy.log_std != nullptr,
          "rollout: continuous actions need log_std");
  with_kernels(exec, *entry_, [&](auto e, auto const& k) { k.rollout(e, memory_, policy, out); });
}

namespace {

/// Tiles [N/64][fields][64] -> rows [n][count], fields from `first`.
std::vector<float> rows_of(std::vector<float> tiles, int fields, int first, int count, int n) {
  Tiles<float> const t{tiles.data(), fields};
  std::vector<float> rows;
  rows.reserve(static_cast<std::size_t>(n) * static_cast<std::size_t>(count));
  for (int i = 0; i < n; ++i)
    for (int f = first; f < first + count; ++f) rows.push_back(t.at(f, i));
  return rows;
}

}  // namespace

std::vector<float> VectorEnv::host_fields(int first, int count) const {
  return rows_of(download(record_), record_fields_, first, count, num_envs());
}

std::vector<float> VectorEnv::host_observation() const {
  return rows_of(download(observation_), observation_fields(), 0, observation_fields(), num_envs());
}

std::vector<float> VectorEnv::host_state() const {
  return host_fields(0, entry_->cpu->state_fields);
}

void VectorEnv::set_state(std::vector<float> const& state) {
  int const fields = entry_->cpu->state_fields;
  require(state.size() == static_cast<std::size_t>(num_envs()) * static_cast<std::size_t>(fields),
          "vector env: ", state.size(), " state values (needs ", num_envs(), " x ", fields, ")");
  std::vector<float> record = download(record_);
  Tiles<float> const t{record.data(), record_fields_};
  for (int i = 0; i < num_envs(); ++i)
    for (int f = 0; f < fields; ++f) t.at(f, i) = state[static_cast<std::size_t>(i * fields + f)];
  upload<float>(exec_, record, record_.out());
}

std::vector<float> VectorEnv::host_parameter(std::string const& name) const {
  std::vector<ParamSpec> const specs = parameters();
  int const own = entry_->num_parameters();
  for (std::size_t k = 0; k < specs.size(); ++k) {
    if (name != specs[k].name) continue;
    auto const p = static_cast<int>(k);
    if (p < own) return host_fields(entry_->cpu->state_fields + p, 1);
    if (!disturbed_) return std::vector<float>(static_cast<std::size_t>(num_envs()), 0.F);
    return host_fields(memory_.book + static_cast<int>(Book::count) + p - own, 1);
  }
  fail<ConfigError>(config_.name, ": there is no parameter '", name, "'");
}

void VectorEnv::set_actions(std::vector<float> const& actions) {
  int const fields = action_fields();
  require(actions.size() == static_cast<std::size_t>(num_envs()) * static_cast<std::size_t>(fields),
          "vector env: ", actions.size(), " actions (needs ", num_envs(), " x ", fields, ")");
  std::vector<float> words(action_.size(), 0.F);
  Tiles<float> const t{words.data(), fields};
  for (int i = 0; i < num_envs(); ++i)
    for (int f = 0; f < fields; ++f) {
      float const a = actions[static_cast<std::size_t>(i * fields + f)];
      if (!spec_->actions.discrete) {
        t.at(f, i) = a;
        continue;
      }
      require(a >= 0 && a < static_cast<float>(spec_->actions.size), "vector env: action ", a,
              " of instance ", i, " (needs 0 to ", spec_->actions.size - 1, ")");
      t.at(f, i) = as_float(static_cast<std::int32_t>(a));
    }
  upload<float>(exec_, words, action_.out());
}

EpisodeStatistics VectorEnv::statistics() const {
  std::vector<float> const rows = host_fields(memory_.book, static_cast<int>(Book::count));
  EpisodeStatistics s;
  for (int i = 0; i < num_envs(); ++i) {
    float const* const row = rows.data() + i * static_cast<int>(Book::count);
    auto at = [&](Book b) { return row[static_cast<int>(b)]; };
    int const finished = as_int(at(Book::finished));
    if (finished == 0) continue;
    s.episodes += finished;
    s.mean_return += static_cast<double>(at(Book::finished_return));
    s.mean_length += as_int(at(Book::finished_length));
    s.mean_first_return += static_cast<double>(at(Book::first_return));
    ++s.instances_finished;
  }
  if (s.episodes > 0) {
    s.mean_return /= static_cast<double>(s.episodes);
    s.mean_length /= static_cast<double>(s.episodes);
    s.mean_first_return /= s.instances_finished;
  }
  return s;
}

void VectorEnv::clear_statistics() {
  visit(exec_, [&](auto e) { loom::clear_statistics(e, memory_); });
}

Buffer<Scene> VectorEnv::draw(int n) const {
  require(n >= 1 && n <= num_envs(), "draw: asked for ", n, " instances of ", num_envs());
  Buffer<Scene> scenes(exec_, static_cast<std::size_t>(n));
  draw(exec_, scenes.out());
  return scenes;
}

void VectorEnv::draw(Exec const& exec, Out<Scene> scenes) const {
  require(scenes.size <= static_cast<std::size_t>(padded()), "draw: ", scenes.size, " scenes of ",
          padded(), " instances");
  with_kernels(exec, *entry_, [&](auto e, auto const& k) {
    k.draw(e, memory_, static_cast<int>(scenes.size), scenes.data);
  });
}

void VectorEnv::step_seen(Exec const& exec, RolloutView const& out, int t, Scene* last_scenes) {
  with_kernels(exec, *entry_, [&](auto e, auto const& k) {
    k.step_seen(e, at_step(memory_, out, t), last_scenes);
  });
}

Snapshot VectorEnv::save(In<std::int32_t> ids) const {
  auto const n = static_cast<std::size_t>(padded_to_tile(static_cast<int>(ids.size)));
  Snapshot s{static_cast<int>(ids.size),
             Buffer<float>(exec_, n * static_cast<std::size_t>(record_fields_)),
             Buffer<float>(exec_, n * static_cast<std::size_t>(observation_fields()))};
  save(ids, s);
  return s;
}

void VectorEnv::save(In<std::int32_t> ids, Snapshot& snapshot) const {
  auto const n = static_cast<std::size_t>(padded_to_tile(static_cast<int>(ids.size)));
  require(snapshot.count == static_cast<int>(ids.size) &&
              snapshot.record.size() == n * static_cast<std::size_t>(record_fields_) &&
              snapshot.observation.size() == n * static_cast<std::size_t>(observation_fields()),
          "save: a snapshot of ", snapshot.count, " instances (needs ", ids.size, " of ",
          config_.name, " with ", record_fields_, " fields)");
  visit(exec_, [&](auto e) {
    save_instances(e, memory_, ids, {snapshot.record.data(), record_fields_},
                   {snapshot.observation.data(), observation_fields()});
  });
}

void VectorEnv::restore(In<std::int32_t> ids, Snapshot const& snapshot, In<std::int32_t> sources,
                        Stream stream) {
  require(ids.size == sources.size, "restore: ", ids.size, " instances from ", sources.size,
          " sources");
  auto const saved = static_cast<std::size_t>(padded_to_tile(snapshot.count));
  require(snapshot.record.size() == saved * static_cast<std::size_t>(record_fields_) &&
              snapshot.observation.size() == saved * static_cast<std::size_t>(observation_fields()),
          "restore: a snapshot of another environment, or one with other disturbances (needs ",
          record_fields_, " fields an instance)");
  auto* const record = const_cast<float*>(snapshot.record.data());
  auto* const observation = const_cast<float*>(snapshot.observation.data());
  visit(exec_, [&](auto e) {
    restore_instances(e, memory_, ids, {record, record_fields_},
                      {observation, observation_fields()}, sources, stream);
  });
}

std::vector<float> VectorEnv::host_memory() const {
  std::vector<float> words;
  for (Buffer<float> const* b : {&record_, &observation_}) {
    std::vector<float> const part = download(*b);
    words.insert(words.end(), part.begin(), part.end());
  }
  return words;
}

// The kernels count with these numbers and find their place by them.
void VectorEnv::check_record(In<float> record) const {
  Tiles<float const> const words{record.data, record_fields_};
  constexpr int kMost = 1 << 30;
  auto const whole = [&](int i, Book field, char const* name, int most) {
    int const value = as_int(words.at(memory_.book + static_cast<int>(field), i));
    require<IoError>(value >= 0 && value <= most, "vector env: ", name, " of instance ", i, " is ",
                     value, " (needs 0 to ", most, ")");
  };
  for (int i = 0; i < padded(); ++i) {
    whole(i, Book::step, "step", memory_.max_steps - 1);
    whole(i, Book::finished, "finished", kMost);
    whole(i, Book::finished_length, "finished_length", kMost);
    if (!disturbed_) continue;
    float const delay = words.at(
        memory_.book + static_cast<int>(Book::count) + static_cast<int>(Disturbance::action_delay),
        i);
    require<IoError>(delay >= 0 && delay < kMaxDelay + 1, "vector env: action_delay of instance ",
                     i, " is ", delay, " (needs 0 to ", kMaxDelay, ")");
  }
}

void VectorEnv::set_host_memory(std::vector<float> const& words) {
  require(words.size() == record_.size() + observation_.size(), "vector env: ", words.size(),
          " words (needs ", record_.size() + observation_.size(), ")");
  In<float> const all = words;
  check_record(all.slice(0, record_.size()));
  upload<float>(exec_, all.slice(0, record_.size()), record_.out());
  upload<float>(exec_, all.slice(record_.size(), observation_.size()), observation_.out());
}

}  // namespace loom
