// dreamloom inspect: what lies in a checkpoint.
#include <fmt/format.h>
#include <cmath>
#include <learn/core/checkpoint.hpp>
#include <nlohmann/json.hpp>
#include <tools/dreamloom/commands.hpp>
#include <tools/dreamloom/run_directory.hpp>

namespace loom {
namespace {

std::string shape_text(std::vector<std::size_t> const& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// Root mean square and largest magnitude; how many values are no numbers.
std::string values_text(std::vector<float> const& values) {
  double squares = 0, largest = 0;
  std::size_t broken = 0;
  for (float const x : values) {
    auto const v = static_cast<double>(x);
    if (!std::isfinite(v)) {
      ++broken;
      continue;
    }
    squares += v * v;
    largest = std::max(largest, std::abs(v));
  }
  std::size_t const sound = values.size() - broken;
  if (sound == 0) return broken == 0 ? "" : fmt::format("{} not finite", broken);
  std::string text = fmt::format("rms {:.4g}, largest {:.4g}",
                                 std::sqrt(squares / static_cast<double>(sound)), largest);
  if (broken > 0) text += fmt::format(", {} not finite", broken);
  return text;
}

}  // namespace

int inspect(InspectOptions const& o) {
  Checkpoint const file = Checkpoint::read(find_checkpoint(o.name));
  std::size_t width = 4;
  for (auto const& [name, tensor] : file.tensors()) width = std::max(width, name.size());
  for (auto const& [name, tensor] : file.tensors()) {
    std::string const values =
        tensor.dtype == DType::f32 ? values_text(file.get<float>(name)) : std::string();
    fmt::print("{:<{}}  {:<4} {:<16} {}\n", name, width, name_of(tensor.dtype),
               shape_text(tensor.shape), values);
  }
  for (auto const& [key, value] : file.state().items()) {
    if (key != "run") fmt::print("{}: {}\n", key, value.dump());
  }
  auto const run = file.state().find("run");
  if (run == file.state().end() || !run->is_object()) return 0;
  for (auto const& [key, value] : run->items()) {
    if (key != "recipe") fmt::print("run.{}: {}\n", key, value.dump());
  }
  if (run->contains("recipe") && (*run)["recipe"].is_string()) {
    fmt::print("\n{}", (*run)["recipe"].get<std::string>());
  }
  return 0;
}

}  // namespace loom
