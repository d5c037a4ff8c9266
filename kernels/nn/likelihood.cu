#include <kernels/core/error.hpp>
#include <kernels/core/fold.hpp>
#include <kernels/nn/likelihood.hpp>
#include <kernels/nn/likelihood_body.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {
namespace {

// Numbers that a thread takes at least.
constexpr int kLikelihoodGrain = 1024;

template <class Body>
void each_number(Here exec, char const* who, Body const& body) {
  check_size(who, "y", body.y.size, static_cast<std::int64_t>(body.x.size));
  require(body.x.size < (std::size_t{1} << 31), who, ": ", body.x.size,
          " numbers (needs fewer than 2^31)");
  launch(exec, static_cast<int>(body.x.size), body, kLikelihoodGrain);
}

template <class Target>
void each_loss(Here exec, Likelihood kind, InRows<float> prediction, Target const& target, int each,
               Out<float> loss) {
  check_size("likelihood_loss", "loss", loss.size, prediction.rows);
  launch_fold(exec, prediction.rows,
              LikelihoodLoss<Target>{{}, kind, prediction, target, loss, each},
              kLikelihoodGrain / (prediction.cols + 1) + 1);
}

template <class Target>
void each_slope(Here exec, Likelihood kind, InRows<float> prediction, Target const& target,
                In<float> dloss, OutRows<float> dprediction) {
  char const* const who = "likelihood_backward";
  check_rows(who, prediction, dprediction);
  check_size(who, "dloss", dloss.size, prediction.rows);
  EachElement const each(LikelihoodBackward<Target>{kind, prediction, target, dloss, dprediction},
                         prediction.rows, prediction.cols, false);
  launch(exec, each.lanes(), each, kLikelihoodGrain);
}

void check_bytes(char const* who, InRows<float> prediction, InRows<std::uint8_t> target) {
  require(prediction.rows == target.rows && prediction.cols == target.cols, who, ": ",
          prediction.rows, " x ", prediction.cols, " and ", target.rows, " x ", target.cols,
          " bytes (need the same)");
}

}  // namespace

void likelihood_loss(Here exec, Likelihood kind, InRows<float> prediction, InRows<float> target,
                     Out<float> loss) {
  char const* const who = "likelihood_loss";
  check_extent(who, prediction);
  check_extent(who, target);
  require(prediction.cols == target.cols &&
              (target.rows > 0 ? prediction.rows % target.rows : prediction.rows) == 0,
          who, ": prediction [", prediction.rows, "][", prediction.cols, "] of targets [",
          target.rows, "][", target.cols, "] (needs a multiple of the rows, and the same columns)");
  int const each = target.rows > 0 ? prediction.rows / target.rows : 1;
  each_loss(exec, kind, prediction, NumberTarget{target}, each, loss);
}

void likelihood_loss(Here exec, Likelihood kind, InRows<float> prediction,
                     InRows<std::uint8_t> target, float offset, Out<float> loss) {
  check_bytes("likelihood_loss", prediction, target);
  each_loss(exec, kind, prediction, ByteTarget{target, offset}, 1, loss);
}

void likelihood_backward(Here exec, Likelihood kind, InRows<float> prediction, InRows<float> target,
                         In<float> dloss, OutRows<float> dprediction) {
  check_rows("likelihood_backward", prediction, target);
  each_slope(exec, kind, prediction, NumberTarget{target}, dloss, dprediction);
}

void likelihood_backward(Here exec, Likelihood kind, InRows<float> prediction,
                         InRows<std::uint8_t> target, float offset, In<float> dloss,
                         OutRows<float> dprediction) {
  check_bytes("likelihood_backward", prediction, target);
  each_slope(exec, kind, prediction, ByteTarget{target, offset}, dloss, dprediction);
}

void symlog(Here exec, In<float> x, Out<float> y) { each_number(exec, "symlog", Symlog{x, y}); }
void symexp(Here exec, In<float> x, Out<float> y) { each_number(exec, "symexp", Symexp{x, y}); }

}  // namespace loom
