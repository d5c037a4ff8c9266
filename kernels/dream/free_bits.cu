#include <kernels/core/error.hpp>
#include <kernels/dream/free_bits.hpp>
#include <kernels/dream/free_bits_body.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

void free_bits(Here exec, FreeBitsConfig const& config, In<float> kl, Out<float> representation,
               Out<float> dynamics, Out<float> loss) {
  char const* const who = "free_bits";
  auto const rows = static_cast<std::int64_t>(kl.size);
  require(rows > 0, who, ": no rows");
  check_size(who, "representation", representation.size, rows);
  check_size(who, "dynamics", dynamics.size, rows);
  check_size(who, "loss", loss.size, 2);
  launch_fold(exec, 1, FreeBitsFold{config, kl, loss});
  launch(exec, static_cast<int>(rows), FreeBitsWeights{config, kl, loss, representation, dynamics});
}

}  // namespace loom
