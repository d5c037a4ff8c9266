#include <cmath>
#include <kernels/core/nvtx.hpp>
#include <kernels/nn/schedule.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/vae/vae.hpp>
#include <numeric>

namespace loom {
namespace {

/// Of draws that have nothing to do with each other.
enum class Stream : std::uint64_t { weights = 1, update, sample };

std::uint64_t seed_of(std::uint64_t seed, Stream purpose) {
  return seed * 0x9E3779B97F4A7C15ULL + static_cast<std::uint64_t>(purpose);
}

Buffer<std::uint32_t> count_up(Exec const& exec, int n) {
  std::vector<std::uint32_t> x(static_cast<std::size_t>(n));
  std::iota(x.begin(), x.end(), 0U);
  return uploaded(exec, x);
}

}  // namespace

Vae::Vae(Exec const& exec, VaeConfig const& config, int data, int condition, std::uint64_t seed)
    : exec_(exec),
      seed_(seed),
      shape_(config.shape(data, condition)),
      parameters_(exec, vae_parameters(shape_)),
      training_(exec, shape_, config.batch, parameters_),
      networks_(exec, shape_, parameters_),
      adam_(exec, parameters_.size(), {}),
      learning_rate_(uploaded(exec, std::vector<float>{config.learning_rate})),
      streams_(count_up(exec, config.batch)),
      tick_(zeros<std::uint32_t>(exec, 1)),
      fresh_tick_(zeros<std::uint32_t>(exec, 1)),
      update_(exec, [this](Exec const& e) { step(e); }) {
  initialise_vae(exec, shape_, seed_of(seed, Stream::weights), parameters_);
}

void Vae::update(InRows<float> x, InRows<float> c) {
  NvtxRange const range("vae update");
  training_.batch(exec_, x, c);
  update_.launch();
}

void Vae::learn(Exec const& exec, InRows<float> x, InRows<float> c) {
  training_.batch(exec, x, c);
  step(exec);
}

void Vae::step(Exec const& exec) {
  training_.forward(exec, {seed_of(seed_, Stream::update), streams_.in(), tick_.in()});
  training_.backward(exec);
  adam_.step(exec, parameters_.values(), parameters_.gradient(), learning_rate_.in());
  visit(exec, [&](auto e) { advance(e, tick_.out()); });
}

Vae::Losses Vae::evaluate(InRows<float> x, InRows<float> c) {
  training_.batch(exec_, x, c);
  training_.forward(exec_, fresh(training_.rows()));
  return losses();
}

Vae::Losses Vae::losses() const {
  auto const sums = download(exec_, training_.sums());
  double const rows = training_.rows();
  double const reconstruction = double{sums[0]} / rows * double{shape_.reconstruction_weight()},
               divergence = double{sums[1]} / rows * double{shape_.divergence_weight()};
  return {reconstruction, divergence, reconstruction + double{shape_.beta} * divergence};
}

RowDraws Vae::fresh(int rows) {
  auto const n = static_cast<std::size_t>(rows);
  if (fresh_streams_.size() < n) fresh_streams_ = count_up(exec_, rows);
  visit(exec_, [&](auto e) { advance(e, fresh_tick_.out()); });
  return {seed_of(seed_, Stream::sample), fresh_streams_.in().slice(0, n), fresh_tick_.in()};
}

void Vae::sample(InRows<float> c, int n, OutRows<float> x) {
  int const rows = shape_.condition > 0 ? c.rows * n : n;
  require(n > 0 && x.rows == rows, "vae: ", x.rows, " rows for ", rows, " samples");
  networks_.sample(exec_, c, fresh(rows), x);
}

void Vae::bounds(InRows<float> x, InRows<float> c, int n, Out<float> elbo,
                 Out<float> importance_weighted) {
  require(n > 0, "vae: bounds of ", n, " samples (needs 1 or more)");
  networks_.bounds(exec_, x, c, fresh(x.rows * n), elbo, importance_weighted);
}

void Vae::set_learning_rate(float rate) {
  require<ConfigError>(rate >= 0, "vae: learning rate ", rate, " (needs 0 or more)");
  upload<float>(exec_, std::vector<float>{rate}, learning_rate_.out());
}

float Vae::variance() {
  if (!shape_.learns_variance()) return shape_.variance;
  return std::exp(download(exec_, In<float>(parameters_.values("log_variance")))[0]);
}

template <class F>
void Vae::each_state(F const& f) {
  f("first_moment", adam_.first_moment());
  f("second_moment", adam_.second_moment());
  f("counters", adam_.counters());
  f("learning_rate", learning_rate_.out());
  f("tick", tick_.out());
  f("sample_tick", fresh_tick_.out());
}

void Vae::save(Checkpoint& checkpoint, std::string const& prefix) {
  parameters_.save(checkpoint, prefix);
  each_state([&]<class T>(std::string const& name, Out<T> view) {
    checkpoint.put(prefix + name, exec_, In<T>(view));
  });
}

void Vae::load(Checkpoint const& checkpoint, std::string const& prefix) {
  parameters_.load(checkpoint, prefix);
  each_state([&]<class T>(std::string const& name, Out<T> view) {
    checkpoint.get(prefix + name, exec_, view);
  });
}

}  // namespace loom
