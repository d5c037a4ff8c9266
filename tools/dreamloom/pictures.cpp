#include <tools/dreamloom/pictures.hpp>

#include <algorithm>
#include <cmath>
#include <kernels/render/raster.hpp>
#include <learn/core/atomic_file.hpp>
#include <tools/dreamloom/metrics_table.hpp>
#include <tools/media/gif.hpp>
#include <tools/media/png.hpp>
#include <tools/media/svg.hpp>

namespace loom {
namespace {

constexpr double kFrame_s = 0.04;  // 25 pictures a second show every motion there is

/// Pixels of one instance: as wide as its scene asks for, even numbers.
ImageSize size_of(Scene const& scene, int height) {
  double const aspect = scene.width > 0 && scene.height > 0
                            ? static_cast<double>(scene.width) / static_cast<double>(scene.height)
                            : 1;
  int const width = 2 * static_cast<int>(std::lround(std::clamp(aspect, 0.5, 2.5) * height / 2));
  return {width, height};
}

/// Images [m][h][w][3] beside each other.
std::vector<std::uint8_t> side_by_side(std::vector<std::uint8_t> const& images, ImageSize size,
                                       int m) {
  if (m == 1) return images;
  std::vector<std::uint8_t> joined(images.size());
  auto const row = static_cast<std::ptrdiff_t>(size.width) * 3;
  for (int i = 0; i < m; ++i) {
    for (int y = 0; y < size.height; ++y) {
      auto const from = images.begin() + (static_cast<std::ptrdiff_t>(i) * size.height + y) * row;
      std::copy(from, from + row, joined.begin() + (static_cast<std::ptrdiff_t>(y) * m + i) * row);
    }
  }
  return joined;
}

/// The first instances of a batch, drawn after every step of the greedy policy.
class Camera {
 public:
  Camera(Learner& learner, Exec const& exec, PictureOptions const& options)
      : exec_(exec),
        instances_(options.instances),
        env_(exec, batch_of(learner, options.instances)),
        player_(learner.algorithm->player(env_)),
        size_(size_of(download(env_.draw(1))[0], options.height)),
        pixels_(exec, rows() * static_cast<std::size_t>(size_.width * size_.height) * 3) {}

  VectorEnv const& env() const { return env_; }
  ImageSize size() const { return {size_.width * instances_, size_.height}; }

  std::vector<std::uint8_t> picture() {
    Buffer<Scene> const scenes = env_.draw(instances_);
    visit(exec_, [&](auto e) { loom::render(e, scenes.in(), size_, pixels_.out()); });
    return side_by_side(download(pixels_), size_, instances_);
  }

  /// One step; the number of instances whose episode it ended.
  int step() {
    player_->act(ActMode::greedy);
    env_.step();
    auto const terminated = download(exec_, env_.terminated().slice(0, rows()));
    auto const truncated = download(exec_, env_.truncated().slice(0, rows()));
    int ended = 0;
    for (std::size_t i = 0; i < rows(); ++i) ended += terminated[i] != 0 || truncated[i] != 0;
    return ended;
  }

 private:
  static VectorEnvConfig batch_of(Learner const& learner, int instances) {
    VectorEnvConfig config = learner.evaluation;
    config.num_envs = instances;
    return config;
  }
  std::size_t rows() const { return static_cast<std::size_t>(instances_); }

  Exec exec_;
  int instances_;
  VectorEnv env_;
  std::unique_ptr<Player> player_;
  ImageSize size_;
  Buffer<std::uint8_t> pixels_;
};

std::string gif_of(Camera& camera, PictureOptions const& options) {
  Gif gif(camera.size());
  double const dt_s = step_s(camera.env());
  int const stride = std::max(1, static_cast<int>(std::lround(kFrame_s / dt_s)));
  double const frame_s = std::clamp(dt_s * stride, 0.02, 600.0);
  int ended = 0;
  for (int step = 0; ended < options.instances && gif.frames() < options.max_frames; ++step) {
    if (step % stride == 0) gif.add(camera.picture(), frame_s);
    ended += camera.step();
  }
  return gif.bytes();
}

Series line(MetricsTable const& table, std::string const& column, std::string name) {
  Series series{std::move(name), {}, {}, {}, {}};
  for (auto const& [step, value] : table.series(column)) {
    series.x.push_back(step);
    series.y.push_back(value);
  }
  return series;
}

}  // namespace

double step_s(VectorEnv const& env) {
  for (ParamSpec const& p : env.parameters()) {
    if (std::string(p.name) == "time_step")
      return static_cast<double>(p.value) * env.config().frame_skip;
  }
  return kFrame_s;
}

void draw_curve(RunDirectory const& directory) {
  MetricsTable const table = read_metrics(directory.metrics());
  Plot plot;
  plot.title = directory.path().filename().string();
  plot.x_label = "environment steps";
  plot.y_label = "mean return";
  plot.series.push_back(line(table, kReturnMetric, "training episodes"));
  Series evaluation = line(table, kEvaluationMetric, "evaluation, greedy");
  if (evaluation.x.size() == 1) {
    plot.references.push_back({"evaluation, greedy", evaluation.y[0]});
  } else if (!evaluation.x.empty()) {
    plot.series.push_back(std::move(evaluation));
  }
  write_whole(directory.curve(), svg(plot));
}

void animate_to(std::filesystem::path const& file, Learner& learner, Exec const& exec,
                PictureOptions const& options) {
  std::string const kind = file.extension().string();
  require<ConfigError>(kind == ".gif" || kind == ".png", file.string(),
                       ": cannot draw this (needs a name in .gif or .png)");
  Camera camera(learner, exec, options);
  if (kind == ".png") {
    write_whole(file, png(camera.picture(), camera.size()));
  } else {
    write_whole(file, gif_of(camera, options));
  }
}

}  // namespace loom
