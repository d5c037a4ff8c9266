#include <kernels/nn/running_norm.hpp>

namespace loom {
namespace {

std::size_t size_of(int fields) {
  require(fields >= 1, "running norm: ", fields, " fields (needs 1 or more)");
  return static_cast<std::size_t>(fields);
}

Buffer<float> ones(Exec const& exec, std::size_t n) {
  return uploaded(exec, std::vector<float>(n, 1.F));
}

}  // namespace

std::size_t running_norm_workspace(int fields) {
  // As many slots as moments_plan() ever makes.
  auto const outputs = static_cast<std::size_t>(fields > kMomentOutputs ? fields : kMomentOutputs);
  return outputs * reduction::Moments::kParts * sizeof(float);
}

RunningNorm::RunningNorm(Exec const& exec, int fields, float limit, float epsilon)
    : limit_(limit),
      epsilon_(epsilon),
      count_(zeros<std::uint64_t>(exec, 1)),
      mean_(zeros<float>(exec, size_of(fields))),
      mean_low_(zeros<float>(exec, size_of(fields))),
      variance_(ones(exec, size_of(fields))),
      variance_low_(zeros<float>(exec, size_of(fields))),
      inverse_deviation_(ones(exec, size_of(fields))),
      workspace_(exec, running_norm_workspace(fields)) {}

RunningMoments RunningNorm::moments() {
  return {count_.out(),    mean_.out(),         mean_low_.out(),
          variance_.out(), variance_low_.out(), inverse_deviation_.out()};
}

void RunningNorm::update(Exec const& exec, int steps, int instances, In<float> x) {
  visit(exec, [&](auto e) {
    update_moments(e, steps, instances, x, epsilon_, moments(), workspace_.out());
  });
}

void RunningNorm::apply(Exec const& exec, InRows<float> x, OutRows<float> y) const {
  visit(exec, [&](auto e) { normalise_rows(e, x, mean_, inverse_deviation_, limit_, y); });
}

}  // namespace loom
