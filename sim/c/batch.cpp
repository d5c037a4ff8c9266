// A batch behind dreamloom.h: making, stepping, reading and changing it.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <kernels/render/raster.hpp>
#include <sim/c/handle.hpp>
#include <sim/core/rows.hpp>

namespace loom::c {
namespace {

thread_local char message[1024] = "";

/// n of "cuda" (0) or "cuda:n"; -1 when the text is neither.
int cuda_index(std::string const& name) {
  if (name == "cuda") return 0;
  if (name.rfind("cuda:", 0) != 0) return -1;
  int index = -1;
  char const *const first = name.data() + 5, *const last = name.data() + name.size();
  auto const r = std::from_chars(first, last, index);
  return r.ec == std::errc{} && r.ptr == last && index >= 0 ? index : -1;
}

/// A template, so that a CPU build does not see the Gpu in its Exec.
template <class AnyExec>
AnyExec gpu_exec(int index, void* stream) {
  if constexpr (std::is_constructible_v<AnyExec, Gpu>)
    return Gpu{index, stream};
  else
    fail<CudaError>("device is cuda:", index, " in a build without CUDA (needs \"cpu\")");
}

Exec exec_of(dreamloom_config const& c, ThreadPool* pool) {
  std::string const device = c.device == nullptr ? "cpu" : c.device;
  int const index = cuda_index(device);
  require<ConfigError>(device == "cpu" || index >= 0, "device is \"", device,
                       "\" (needs \"cpu\", \"cuda\" or \"cuda:n\")");
  if (index < 0) {
    require<ConfigError>(c.stream == nullptr, "a stream for device \"cpu\" (needs \"cuda:n\")");
    return Cpu{pool};
  }
  Exec const exec = gpu_exec<Exec>(index, c.stream);
  int const count = device_count();
  require<CudaError>(index < count, "device is cuda:", index, ", CUDA devices found: ", count);
  return exec;
}

std::vector<ParameterChoice> choices_of(dreamloom_choice const* choices, std::int32_t n) {
  require<ConfigError>(n >= 0, "num_choices is ", n, " (needs 0 or more)");
  if (n > 0) require_pointer(choices, "choices");
  std::vector<ParameterChoice> all;
  for (std::int32_t i = 0; i < n; ++i) {
    dreamloom_choice const& c = choices[i];
    require_pointer(c.name, "the name of a choice");
    require<ConfigError>(c.distribution >= DREAMLOOM_FIXED && c.distribution <= DREAMLOOM_NORMAL,
                         "distribution of ", c.name, " is ", static_cast<int>(c.distribution),
                         " (needs a dreamloom_distribution)");
    all.push_back({c.name, static_cast<Distribution>(c.distribution), c.a, c.b});
  }
  return all;
}

std::shared_ptr<Batch> batch_of(dreamloom_config const& c) {
  require_pointer(c.environment, "config.environment");
  require<ConfigError>(c.threads >= 0, "threads is ", c.threads, " (needs 0 or more)");
  auto pool = c.threads > 1 ? std::make_unique<ThreadPool>(c.threads) : nullptr;
  Exec const exec = exec_of(c, pool.get());
  VectorEnvConfig config{.name = c.environment,
                         .num_envs = c.num_envs,
                         .seed = c.seed,
                         .first_instance = c.first_instance,
                         .parameters = choices_of(c.choices, c.num_choices),
                         .max_steps = c.max_steps};
  return visit(exec, [&](auto e) {
    CurrentDevice<decltype(e)> const current(e);
    auto batch = std::make_shared<Batch>(std::move(pool), exec, std::move(config));
    synchronize(exec);
    return batch;
  });
}

/// n elements of the batch's device for the caller.
template <class T>
void copy_out(Batch const& batch, T const* from, std::size_t n, T* to, dreamloom_memory where) {
  auto const copy = is_direct(batch, where) ? memory::copy : memory::download;
  copy(batch.env.exec(), from, to, n * sizeof(T));
}

template <class Machine>
void rows_out(Batch& batch, Machine exec, Tiles<float> tiles, float* to, dreamloom_memory where) {
  require_pointer(to, "observation");
  int const n = batch.env.num_envs();
  bool const direct = is_direct(batch, where);
  auto const words = static_cast<std::size_t>(n) * static_cast<std::size_t>(tiles.fields);
  float* const rows = direct ? to : batch.staged(words);
  rows_from_tiles(exec, {tiles.data, tiles.fields}, {rows, n, tiles.fields});
  if (!direct) memory::download(batch.env.exec(), rows, to, words * sizeof(float));
}

/// Actions (N, A) of the caller into the batch's tiles.
template <class T, class Machine>
void actions_in(Batch& batch, Machine exec, T const* from, dreamloom_memory where) {
  require_pointer(from, "actions");
  VectorEnv& env = batch.env;
  ActionSpace const& space = env.spec().actions;
  constexpr bool kDiscrete = std::is_same_v<T, std::int32_t>;
  require<ConfigError>(space.discrete == kDiscrete, env.spec().name, " has ",
                       space.discrete ? "discrete" : "continuous",
                       " actions (needs dreamloom_step_",
                       space.discrete ? "discrete)" : "continuous)");
  int const n = env.num_envs(), fields = env.action_fields();
  auto const words = static_cast<std::size_t>(n) * static_cast<std::size_t>(fields);
  auto const low = static_cast<T>(space.low), high = static_cast<T>(space.high);
  if constexpr (kDiscrete)
    if (where == DREAMLOOM_HOST)
      for (std::size_t i = 0; i < words; ++i)
        require<ConfigError>(from[i] >= low && from[i] <= high, "action ", from[i], " of instance ",
                             i, " (needs 0 to ", high, ")");
  if (!is_direct(batch, where)) {
    auto* const staged = reinterpret_cast<T*>(batch.staged(words));
    memory::upload(env.exec(), from, staged, words * sizeof(T));
    from = staged;
  }
  Tiles<T> const tiles{reinterpret_cast<T*>(env.action().data), fields};
  tiles_from_rows(exec, InRows<T>{from, n, fields}, low, high, tiles);
}

/// Host numbers of instances, on the device. Each within [0, end); with `once`, none twice.
Buffer<std::int32_t> instances_in(Batch const& batch, std::int32_t const* from, std::int32_t count,
                                  int end, bool once, char const* name) {
  require<ConfigError>(count >= 1, "count is ", count, " (needs 1 or more)");
  require_pointer(from, name);
  std::vector<std::int32_t> all(from, from + count);
  std::vector<bool> seen(static_cast<std::size_t>(end));
  for (std::int32_t const i : all) {
    require<ConfigError>(i >= 0 && i < end, name, ": ", i, " (needs 0 to ", end - 1, ")");
    require<ConfigError>(!once || !seen[static_cast<std::size_t>(i)], name, ": ", i, " twice");
    seen[static_cast<std::size_t>(i)] = true;
  }
  return uploaded(batch.env.exec(), all);
}

}  // namespace

void remember(char const* function, char const* what) noexcept {
  std::snprintf(message, sizeof message, "%s: %s", function, what);
}

}  // namespace loom::c

using namespace loom;
using namespace loom::c;

char const* dreamloom_version(void) { return DREAMLOOM_VERSION; }
char const* dreamloom_last_error(void) { return message; }

dreamloom_status dreamloom_create(dreamloom_config const* config, dreamloom_env** env) {
  return guarded(__func__, [&] {
    require_pointer(env, "env");
    *env = nullptr;
    require_pointer(config, "config");
    *env = new dreamloom_env{batch_of(*config)};
  });
}

dreamloom_status dreamloom_destroy(dreamloom_env* env) {
  return guarded(__func__, [&] { delete env; });
}

dreamloom_status dreamloom_num_envs(dreamloom_env const* env, int32_t* num_envs) {
  return with_batch(__func__, env, [&](Batch const& batch, auto) {
    require_pointer(num_envs, "num_envs");
    *num_envs = batch.env.num_envs();
  });
}

dreamloom_status dreamloom_reset(dreamloom_env* env) {
  return with_batch(__func__, env, [](Batch& batch, auto) { batch.env.reset(); });
}

dreamloom_status dreamloom_step_discrete(dreamloom_env* env, int32_t const* actions,
                                         dreamloom_memory where) {
  return with_batch(__func__, env, [&](Batch& batch, auto exec) {
    actions_in(batch, exec, actions, where);
    batch.env.step();
  });
}

dreamloom_status dreamloom_step_continuous(dreamloom_env* env, float const* actions,
                                           dreamloom_memory where) {
  return with_batch(__func__, env, [&](Batch& batch, auto exec) {
    actions_in(batch, exec, actions, where);
    batch.env.step();
  });
}

dreamloom_status dreamloom_step(dreamloom_env* env) {
  return with_batch(__func__, env, [](Batch& batch, auto) { batch.env.step(); });
}

dreamloom_status dreamloom_step_random(dreamloom_env* env) {
  return with_batch(__func__, env, [](Batch& batch, auto) { batch.env.step_random(); });
}

dreamloom_status dreamloom_observe(dreamloom_env* env, float* observation, dreamloom_memory where) {
  return with_batch(__func__, env, [&](Batch& batch, auto exec) {
    rows_out(batch, exec, batch.env.memory().observation, observation, where);
  });
}

dreamloom_status dreamloom_final_observe(dreamloom_env* env, float* observation,
                                         dreamloom_memory where) {
  return with_batch(__func__, env, [&](Batch& batch, auto exec) {
    rows_out(batch, exec, batch.env.memory().final_observation, observation, where);
  });
}

dreamloom_status dreamloom_reward(dreamloom_env* env, float* reward, dreamloom_memory where) {
  return with_batch(__func__, env, [&](Batch const& batch, auto) {
    require_pointer(reward, "reward");
    auto const n = static_cast<std::size_t>(batch.env.num_envs());
    copy_out(batch, batch.env.reward().data, n, reward, where);
  });
}

dreamloom_status dreamloom_terminated(dreamloom_env* env, uint8_t* terminated,
                                      dreamloom_memory where) {
  return with_batch(__func__, env, [&](Batch const& batch, auto) {
    require_pointer(terminated, "terminated");
    auto const n = static_cast<std::size_t>(batch.env.num_envs());
    copy_out(batch, batch.env.terminated().data, n, terminated, where);
  });
}

dreamloom_status dreamloom_truncated(dreamloom_env* env, uint8_t* truncated,
                                     dreamloom_memory where) {
  return with_batch(__func__, env, [&](Batch const& batch, auto) {
    require_pointer(truncated, "truncated");
    auto const n = static_cast<std::size_t>(batch.env.num_envs());
    copy_out(batch, batch.env.truncated().data, n, truncated, where);
  });
}

dreamloom_status dreamloom_randomise(dreamloom_env* env, dreamloom_choice const* choices,
                                     int32_t num_choices) {
  return with_batch(__func__, env, [&](Batch& batch, auto) {
    batch.env.randomise(choices_of(choices, num_choices));
  });
}

dreamloom_status dreamloom_parameter_values(dreamloom_env* env, char const* name, float* value) {
  return with_batch(__func__, env, [&](Batch const& batch, auto) {
    require_pointer(name, "name");
    require_pointer(value, "value");
    std::vector<float> const all = batch.env.host_parameter(name);
    std::copy(all.begin(), all.end(), value);
  });
}

dreamloom_status dreamloom_get_statistics(dreamloom_env* env, dreamloom_statistics* statistics) {
  return with_batch(__func__, env, [&](Batch const& batch, auto) {
    require_pointer(statistics, "statistics");
    EpisodeStatistics const s = batch.env.statistics();
    *statistics = {s.episodes, s.mean_return, s.mean_length, s.mean_first_return,
                   s.instances_finished};
  });
}

dreamloom_status dreamloom_clear_statistics(dreamloom_env* env) {
  return with_batch(__func__, env, [](Batch& batch, auto) { batch.env.clear_statistics(); });
}

dreamloom_status dreamloom_render(dreamloom_env* env, int32_t count, int32_t height, int32_t width,
                                  uint8_t* image, dreamloom_memory where) {
  return with_batch(__func__, env, [&](Batch& batch, auto exec) {
    require_pointer(image, "image");
    Buffer<Scene> const scenes = batch.env.draw(count);
    require(height >= 1 && width >= 1, "images of ", width, " x ", height, " pixels");
    std::size_t const bytes = std::size_t{3} * static_cast<std::size_t>(count) *
                              static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
    bool const direct = is_direct(batch, where);
    auto* const pixels =
        direct ? image : reinterpret_cast<std::uint8_t*>(batch.staged((bytes + 3) / 4));
    render(exec, scenes.in(), {width, height}, {pixels, bytes});
    if (!direct) memory::download(batch.env.exec(), pixels, image, bytes);
  });
}

dreamloom_status dreamloom_synchronize(dreamloom_env* env) {
  return with_batch(__func__, env, [](Batch const& batch, auto) { synchronize(batch.env.exec()); });
}

dreamloom_status dreamloom_save(dreamloom_env* env, int32_t const* ids, int32_t count,
                                dreamloom_snapshot** snapshot) {
  return with_batch(__func__, env, [&](Batch const& batch, auto) {
    require_pointer(snapshot, "snapshot");
    *snapshot = nullptr;
    auto const places = instances_in(batch, ids, count, batch.env.num_envs(), false, "ids");
    *snapshot = new dreamloom_snapshot{batch.env.save(places.in()), batch.env.spec().name};
  });
}

dreamloom_status dreamloom_restore(dreamloom_env* env, dreamloom_snapshot const* snapshot,
                                   int32_t const* ids, int32_t const* sources, int32_t count,
                                   dreamloom_stream stream) {
  return with_batch(__func__, env, [&](Batch& batch, auto exec) {
    require_pointer(snapshot, "snapshot");
    require<ConfigError>(snapshot->environment == batch.env.spec().name, "a snapshot of ",
                         snapshot->environment, " (needs ", batch.env.spec().name, ")");
    using Machine = decltype(exec);
    auto const* const from = std::get_if<Machine>(&snapshot->saved.record.exec());
    require<ConfigError>(from != nullptr && same_device(*from, exec),
                         "a snapshot on another device than the batch");
    require<ConfigError>(stream == DREAMLOOM_RESUME || stream == DREAMLOOM_FORK, "stream is ",
                         static_cast<int>(stream), " (needs DREAMLOOM_RESUME or DREAMLOOM_FORK)");
    auto const to = instances_in(batch, ids, count, batch.env.num_envs(), true, "ids");
    auto const places =
        instances_in(batch, sources, count, snapshot->saved.count, false, "sources");
    batch.env.restore(to.in(), snapshot->saved, places.in(),
                      stream == DREAMLOOM_RESUME ? Stream::resume : Stream::fork);
  });
}

dreamloom_status dreamloom_snapshot_destroy(dreamloom_snapshot* snapshot) {
  return guarded(__func__, [&] { delete snapshot; });
}
