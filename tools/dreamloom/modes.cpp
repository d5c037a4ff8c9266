// dreamloom modes: whether what world models foresee is what can come, where several things can.
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <learn/core/atomic_file.hpp>
#include <learn/dreamer/foresight.hpp>
#include <tools/dreamloom/commands.hpp>
#include <tools/dreamloom/trainer.hpp>
#include <tools/media/png.hpp>
#include <tools/media/svg.hpp>

namespace loom {
namespace {

/// What is looked at of one run.
struct Model {
  std::string name;
  LatentsShape latents;
  Foresight foresight;
  Modes modes;
  ForesightScore score;
};

Model look(std::string const& run, std::vector<Override> const& overrides, ModesOptions const& o) {
  LoadedPolicy policy = load_policy(run, overrides);
  auto* const dreamer = dynamic_cast<Dreamer*>(policy.learner->algorithm.get());
  require<ConfigError>(dreamer != nullptr, run, ": ", policy.recipe.run->algorithm,
                       " has no world model (needs a run of dreamer)");
  VectorEnvConfig batch = policy.learner->evaluation;
  batch.num_envs = o.instances;
  VectorEnv env(policy.device->exec(), batch);
  Model m{std::filesystem::path(run).filename().string(),
          dreamer->shape().world.rssm.latents,
          foresee(*dreamer, env, o.context, o.samples),
          {},
          {}};
  m.modes = modes_of(m.foresight);
  m.score = score(m.foresight, m.modes);
  return m;
}

/// Shares of `x` in equal parts of [low, high], as the outline of their columns.
Series histogram(std::string name, std::vector<double> const& x, double low, double high,
                 int parts) {
  std::vector<double> share(static_cast<std::size_t>(parts), 0);
  for (double const v : x) {
    int const k = static_cast<int>(std::floor((v - low) / (high - low) * parts));
    share[static_cast<std::size_t>(std::clamp(k, 0, parts - 1))] +=
        1. / static_cast<double>(x.size());
  }
  Series s{std::move(name), {}, {}, {}, {}};
  for (int k = 0; k < parts; ++k) {
    for (int const edge : {k, k + 1}) {
      s.x.push_back(low + (high - low) * edge / parts);
      s.y.push_back(share[static_cast<std::size_t>(k)]);
    }
  }
  return s;
}

/// Where a draw lies on the way from the first mode (0) to the second (1).
std::vector<double> on_the_way(Model const& m) {
  auto const n = static_cast<std::size_t>(m.foresight.fields);
  std::vector<float> const &a = m.modes.at[0], &b = m.modes.at[1];
  double length = 0;
  for (std::size_t k = 0; k < n; ++k) length += std::pow(double{b[k]} - double{a[k]}, 2);
  std::vector<double> all;
  for (std::size_t i = 0; i < m.foresight.foreseen.size(); i += n) {
    double along = 0;
    for (std::size_t k = 0; k < n; ++k)
      along += (double{m.foresight.foreseen[i + k]} - double{a[k]}) * (double{b[k]} - double{a[k]});
    all.push_back(along / length);
  }
  return all;
}

Plot draws_of(std::vector<Model> const& models) {
  Plot plot;
  plot.title = "what is foreseen, on the way between the two most frequent observations";
  plot.x_label = "0: the first of them, 1: the second";
  plot.y_label = "share of draws";
  for (Model const& m : models)
    plot.series.push_back(histogram(m.name, on_the_way(m), -0.5, 1.5, 40));
  return plot;
}

/// Column `k` of rows of z; of the posterior those of one mode.
std::vector<double> column(std::vector<float> const& rows, int latent, int k) {
  std::vector<double> all;
  for (auto i = static_cast<std::size_t>(k); i < rows.size(); i += static_cast<std::size_t>(latent))
    all.push_back(static_cast<double>(rows[i]));
  return all;
}
std::vector<double> column(Model const& m, int mode, int k) {
  std::vector<double> const all = column(m.foresight.posterior, m.foresight.latent, k);
  std::vector<double> some;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (m.modes.of[i] == mode) some.push_back(all[i]);
  return some;
}

double mean(std::vector<double> const& x) {
  double sum = 0;
  for (double const v : x) sum += v;
  return sum / static_cast<double>(x.size());
}
double variance(std::vector<double> const& x) {
  double const m = mean(x);
  double sum = 0;
  for (double const v : x) sum += (v - m) * (v - m);
  return sum / static_cast<double>(x.size());
}

/// The number of a Gaussian z, or the group of a categorical one, by which the posterior tells the modes apart best.
int telling(Model const& m) {
  bool const bell = m.latents.kind == LatentsShape::Kind::gaussian;
  int const count = bell ? m.latents.gaussian : m.latents.groups,
            width = bell ? 1 : m.latents.classes;
  int best = 0;
  double most = -1;
  for (int g = 0; g < count; ++g) {
    double apart = 0;
    for (int k = g * width; k < (g + 1) * width; ++k) {
      auto const a = column(m, 0, k), b = column(m, 1, k);
      double const between = std::abs(mean(a) - mean(b));
      apart += bell ? between / std::sqrt(variance(a) + variance(b) + 1e-12) : between;
    }
    if (apart > most) best = g, most = apart;
  }
  return best;
}

/// The posterior's draws having seen either mode, and the prior's.
Plot latents_of(Model const& m) {
  bool const bell = m.latents.kind == LatentsShape::Kind::gaussian;
  int const at = telling(m);
  Plot plot;
  plot.title = fmt::format("{}: {} {} of z", m.name, bell ? "number" : "categorical", at + 1);
  plot.x_label = bell ? "value" : "class";
  plot.y_label = "share of draws";
  double low = 0, high = 1;
  for (auto const* rows : {&m.foresight.posterior, &m.foresight.prior})
    for (double const v : column(*rows, m.foresight.latent, at))
      low = std::min(low, std::floor(v)), high = std::max(high, std::ceil(v));
  auto const add = [&](std::string name, auto const& values) {
    if (bell) {
      plot.series.push_back(histogram(std::move(name), values(at), low, high, 40));
      return;
    }
    // One-hot: the mean of a column is how often its class is drawn.
    Series s{std::move(name), {}, {}, {}, {}};
    for (int c = 0; c < m.latents.classes; ++c)
      for (int const edge : {c, c + 1}) {
        s.x.push_back(edge);
        s.y.push_back(mean(values(at * m.latents.classes + c)));
      }
    plot.series.push_back(std::move(s));
  };
  for (int const mode : {0, 1})
    add(fmt::format("posterior, {} came", mode == 0 ? "the first" : "the second"),
        [&](int k) { return column(m, mode, k); });
  add("prior", [&](int k) { return column(m.foresight.prior, m.foresight.latent, k); });
  return plot;
}

/// Observations as pictures `width` numbers wide, side by side: what comes in several instances, and below, a row a
/// model, draws of the first instance. 0 is paper, 1 is ink.
std::string sheet(std::vector<Model> const& models, int width) {
  constexpr int kColumns = 16, kZoom = 8, kGap = 1;
  int const fields = models[0].foresight.fields, height = fields / width;
  require<ConfigError>(width <= fields && fields % width == 0, "modes: ", fields,
                       " numbers in rows of ", width, " (needs a divisor)");
  int const rows = 1 + static_cast<int>(models.size());
  ImageSize const size{kColumns * (width + kGap) * kZoom, rows * (height + kGap) * kZoom};
  std::vector<std::uint8_t> image(static_cast<std::size_t>(size.width * size.height) * 3, 128);
  auto const tile = [&](int row, int col, float const* x) {
    for (int py = 0; py < height * kZoom; ++py)
      for (int px = 0; px < width * kZoom; ++px) {
        double const v = std::clamp(double{x[py / kZoom * width + px / kZoom]}, 0., 1.);
        int const ix = col * (width + kGap) * kZoom + px, iy = row * (height + kGap) * kZoom + py;
        auto const at = static_cast<std::size_t>(iy * size.width + ix) * 3;
        std::fill_n(image.begin() + static_cast<std::ptrdiff_t>(at), 3,
                    static_cast<std::uint8_t>(std::lround(250 - 220 * v)));
      }
  };
  for (int c = 0; c < kColumns; ++c) {
    auto const row = [&](std::vector<float> const& of) {
      return of.data() + static_cast<std::size_t>(c * fields);
    };
    if (c < models[0].foresight.instances) tile(0, c, row(models[0].foresight.observation));
    for (std::size_t m = 0; m < models.size(); ++m)
      if (c < models[m].foresight.samples)
        tile(1 + static_cast<int>(m), c, row(models[m].foresight.foreseen));
  }
  return png(In<std::uint8_t>(image.data(), image.size()), size);
}

}  // namespace

int modes(ModesOptions const& o) {
  require<ConfigError>(o.out.ends_with(".svg"), o.out, ": cannot draw this (needs a name in .svg)");
  std::vector<std::string> runs;
  std::vector<Override> overrides = policy_overrides(o.arguments, runs);
  require<ConfigError>(!runs.empty(), "command line: no checkpoint or run directory (needs one)");
  if (!o.seed.empty()) overrides.emplace_back("eval.seed", o.seed);
  std::vector<Model> models;
  for (std::string const& run : runs) models.push_back(look(run, overrides, o));
  for (Model const& m : models)
    require<ConfigError>(m.foresight.fields == models[0].foresight.fields, m.name, ": observes ",
                         m.foresight.fields, " numbers, ", models[0].name, " ",
                         models[0].foresight.fields, " (needs runs of one environment)");

  std::string const stem = o.out.substr(0, o.out.size() - 4);
  std::string written = o.out + "\n";
  std::string const pictures = o.width > 0 ? sheet(models, o.width) : "";
  write_whole(o.out, svg(draws_of(models)));
  for (std::size_t k = 0; k < models.size(); ++k) {
    std::string const file = fmt::format("{}_latent_{}.svg", stem, k + 1);
    write_whole(file, svg(latents_of(models[k])));
    written += file + "\n";
  }
  if (o.width > 0) {
    write_whole(stem + ".png", pictures);
    written += stem + ".png\n";
  }
  fmt::print("{:<32} {:>10} {:>9} {:>14}  share of draws near each mode\n", "run", "neither",
             "coverage", "log-likelihood");
  for (Model const& m : models) {
    fmt::print("{:<32} {:>8.1f} % {:>7.1f} % {:>14.3f} ", m.name, 100 * m.score.neither,
               100 * m.score.coverage, m.score.log_likelihood);
    for (std::size_t k = 0; k < m.score.share.size(); ++k)
      fmt::print(" {:.1f} % (comes {:.1f} %)", 100 * m.score.share[k], 100 * m.modes.share[k]);
    fmt::print("\n");
  }
  fmt::print("{}", written);
  return 0;
}

}  // namespace loom
