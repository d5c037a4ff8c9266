// dreamloom render: a checkpoint's policy at work.
#include <fmt/format.h>
#include <tools/dreamloom/commands.hpp>
#include <tools/dreamloom/pictures.hpp>

namespace loom {

int render(RenderOptions const& o) {
  std::vector<std::string> positional;
  std::vector<Override> overrides = policy_overrides(o.arguments, positional);
  if (!o.seed.empty()) overrides.emplace_back("eval.seed", o.seed);
  std::string const name = only_positional(positional, "checkpoint or run directory");
  LoadedPolicy policy = load_policy(name, overrides);
  PictureOptions options;
  options.instances = o.instances;
  options.max_frames = o.max_frames;
  animate_to(o.out, *policy.learner, policy.device->exec(), options);
  fmt::print("{}\n", o.out);
  return 0;
}

}  // namespace loom
