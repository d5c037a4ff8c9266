#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/dream/return_range.hpp>
#include <kernels/dream/return_range_body.hpp>
#include <kernels/linalg/sort.hpp>

namespace loom {
namespace {

std::size_t array_bytes(int n) { return (static_cast<std::size_t>(n) * 4 + 255) / 256 * 256; }

}  // namespace

std::size_t return_range_workspace(Here exec, int n) {
  return 4 * array_bytes(n) + sort_workspace(exec, n);
}

void update_return_range(Here exec, ReturnRangeConfig const& config, In<float> returns,
                         Out<float> state, Out<std::uint8_t> workspace) {
  require<ConfigError>(config.low >= 0 && config.low < config.high && config.high <= 1,
                       "return range: percentiles ", config.low, " and ", config.high,
                       " (needs 0 <= low < high <= 1)");
  require<ConfigError>(config.rate > 0 && config.rate <= 1, "return range: rate ", config.rate,
                       " (needs above 0 to 1)");
  // Places in the sorted returns are whole numbers of a float.
  require(returns.size > 0 && returns.size <= (1U << 24), "return range: ", returns.size,
          " returns (needs 1 to 2^24)");
  require(state.size == 3, "return range: state has ", state.size, " elements (needs 3)");
  int const n = static_cast<int>(returns.size);
  require(workspace.size >= return_range_workspace(exec, n), "return range: workspace has ",
          workspace.size, " bytes (needs ", return_range_workspace(exec, n), ")");
  auto const piece = [&](std::size_t k) { return workspace.data + k * array_bytes(n); };
  Out<std::uint32_t> const keys(reinterpret_cast<std::uint32_t*>(piece(0)), returns.size),
      sorted(reinterpret_cast<std::uint32_t*>(piece(1)), returns.size);
  Out<std::int32_t> const places(reinterpret_cast<std::int32_t*>(piece(2)), returns.size),
      order(reinterpret_cast<std::int32_t*>(piece(3)), returns.size);
  launch(exec, n, SortableKeys{returns, keys, places});
  sort_pairs(exec, keys, places, sorted, order, {piece(4), workspace.size - 4 * array_bytes(n)});
  launch_scalar(exec, 1, AverageRange{config, sorted, state});
}

void by_return_range(Here exec, float scale, In<float> range, In<float> x, Out<float> y) {
  require(range.size == 3, "by return range: range has ", range.size, " elements (needs 3)");
  require(y.size == x.size, "by return range: ", x.size, " numbers to ", y.size);
  launch(exec, static_cast<int>(x.size), ByReturnRange{scale, range, x, y});
}

}  // namespace loom
