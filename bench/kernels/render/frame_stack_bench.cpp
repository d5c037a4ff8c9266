#include <benchmark/benchmark.h>

#include <kernels/core/buffer.hpp>
#include <kernels/render/frame_stack.hpp>

namespace loom {
namespace {

void stack_frames_cpu(benchmark::State& state) {
  int const stack = static_cast<int>(state.range(0));
  constexpr int kRows = 256, kPixels = 64 * 64;
  Exec const exec{Cpu{}};
  auto const frames =
      zeros<std::uint8_t>(exec, static_cast<std::size_t>(stack) * kRows * std::size_t{3} * kPixels);
  std::vector<std::int32_t> const age(kRows, 100);
  std::vector<std::int32_t> places(kRows);
  for (int i = 0; i < kRows; ++i) places[static_cast<std::size_t>(i)] = i;
  int const bytes = 3 * stack * kPixels;
  Buffer<std::uint8_t> stacks(exec,
                              static_cast<std::size_t>(kRows) * static_cast<std::size_t>(bytes));
  for (auto _ : state)
    stack_frames(Cpu{}, {frames.data(), age.data(), kRows, kPixels, stack}, places,
                 {stacks.data(), kRows, bytes});
  state.SetItemsProcessed(state.iterations() * kRows);
  state.SetBytesProcessed(state.iterations() * 2 * static_cast<std::int64_t>(stacks.size()));
}
BENCHMARK(stack_frames_cpu)->Arg(1)->Arg(2)->Arg(4);

}  // namespace
}  // namespace loom
