// dreamloom dream: what a world model foresees, beside what comes.
#include <fmt/format.h>
#include <algorithm>
#include <learn/core/atomic_file.hpp>
#include <learn/dreamer/dream.hpp>
#include <tools/dreamloom/commands.hpp>
#include <tools/dreamloom/dream_pictures.hpp>
#include <tools/dreamloom/pictures.hpp>
#include <tools/dreamloom/trainer.hpp>
#include <tools/media/svg.hpp>

namespace loom {
namespace {

/// Every step's numbers of the first instance.
std::string csv_of(DreamReport const& r) {
  std::string text = "step,field,observation,reconstruction,dream\n";
  for (int t = 0; t < r.steps; ++t)
    for (int f = 0; f < r.fields; ++f) {
      auto const at = static_cast<std::size_t>(t * r.instances * r.fields + f);
      text += fmt::format("{},{},{},{},{}\n", t, f, r.observation[at], r.reconstruction[at],
                          r.dream[at]);
    }
  return text;
}

/// Errors over time.
std::string curve(DreamReport const& report, std::string const& title) {
  Series seen{"reconstruction", {}, {}, {}, {}}, foreseen{"dream", {}, {}, {}, {}};
  for (int t = 0; t < report.steps; ++t) {
    seen.x.push_back(t);
    seen.y.push_back(report.reconstruction_error(t));
    if (t < report.context) continue;
    foreseen.x.push_back(t);
    foreseen.y.push_back(report.dream_error(t));
  }
  return svg({title,
              "step",
              "error, in deviations of each number",
              {seen, foreseen},
              {{"as good as the mean", 1}}});
}

}  // namespace

int dream(DreamOptions const& o) {
  bool const animation = o.out.ends_with(".gif"), strip = o.out.ends_with(".png");
  require<ConfigError>(animation || strip || o.out.ends_with(".svg"), o.out,
                       ": cannot draw this (needs a name in .svg, .png or .gif)");
  std::vector<std::string> positional;
  std::vector<Override> overrides = policy_overrides(o.arguments, positional);
  if (!o.seed.empty()) overrides.emplace_back("eval.seed", o.seed);
  std::string const name = only_positional(positional, "checkpoint or run directory");
  LoadedPolicy policy = load_policy(name, overrides);
  auto* const dreamer = dynamic_cast<Dreamer*>(policy.learner->algorithm.get());
  require<ConfigError>(dreamer != nullptr, name, ": ", policy.recipe.run->algorithm,
                       " has no world model (needs a run of dreamer)");
  std::optional<ImageShape> const& images = dreamer->shape().world.images;
  require<ConfigError>(images || !(animation || strip), o.out,
                       ": the model sees numbers (needs a name in .svg)");
  VectorEnvConfig batch = policy.learner->evaluation;
  batch.num_envs = o.instances;
  VectorEnv env(policy.device->exec(), batch);
  DreamReport const report = dream(*dreamer, env, o.context, o.horizon);

  std::string files = o.out;
  if (images && (animation || strip)) {
    write_whole(o.out, animation ? dream_animation(report, images->size, step_s(env))
                                 : dream_strip(report, images->size));
  } else {
    write_whole(o.out, curve(report, fmt::format("{}: {} steps seen, {} dreamed", name, o.context,
                                                 o.horizon)));
    if (!images) {
      std::string const table = o.out.substr(0, o.out.size() - 4) + ".csv";
      write_whole(table, csv_of(report));
      files += "\n" + table;
    }
  }
  auto const whole = std::count(report.whole.begin(), report.whole.end(), true);
  int const last = report.steps - 1;
  fmt::print(
      "error after {} dreamed steps: {:.3f} deviations, reconstruction {:.3f} ({} of {} "
      "episodes lasted so long)\n{}\n",
      o.horizon, report.dream_error(last), report.reconstruction_error(last), whole,
      report.instances, files);
  return 0;
}

}  // namespace loom
