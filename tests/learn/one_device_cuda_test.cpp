// Thousands of randomised instances, acting and learning on one device: between two log points the host
// does nothing but launch captured graphs. The linker puts counters before the runtime's calls.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <learn/core/checkpoint.hpp>
#include <learn/dreamer/dreamer.hpp>
#include <learn/ppo/ppo.hpp>
#include <tests/device.hpp>

namespace {

struct Calls {
  int waits = 0, allocations = 0, copies = 0, kernels = 0, graphs = 0;
} calls;

}  // namespace

#define COUNTED(counter, name, parameters, ...) \
  cudaError_t __real_##name parameters;         \
  cudaError_t __wrap_##name parameters;         \
  cudaError_t __wrap_##name parameters {        \
    ++calls.counter;                            \
    return __real_##name(__VA_ARGS__);          \
  }
extern "C" {
COUNTED(waits, cudaStreamSynchronize, (cudaStream_t s), s)
COUNTED(waits, cudaDeviceSynchronize, (), )
COUNTED(waits, cudaEventSynchronize, (cudaEvent_t e), e)
COUNTED(allocations, cudaMalloc, (void** p, std::size_t n), p, n)
COUNTED(allocations, cudaFree, (void* p), p)
COUNTED(copies, cudaMemcpy, (void* to, void const* from, std::size_t n, cudaMemcpyKind k), to, from,
        n, k)
COUNTED(copies, cudaMemcpyAsync,
        (void* to, void const* from, std::size_t n, cudaMemcpyKind k, cudaStream_t s), to, from, n,
        k, s)
#if CUDART_VERSION >= 13000  // what <<<>>> becomes
COUNTED(kernels, __cudaLaunchKernel,
        (void* f, dim3 grid, dim3 block, void** a, std::size_t shared, cudaStream_t s), f, grid,
        block, a, shared, s)
#endif
COUNTED(kernels, cudaLaunchKernel,
        (void const* f, dim3 grid, dim3 block, void** a, std::size_t shared, cudaStream_t s), f,
        grid, block, a, shared, s)
COUNTED(graphs, cudaGraphLaunch, (cudaGraphExec_t g, cudaStream_t s), g, s)
}

namespace loom {
namespace {

VectorEnvConfig randomised(int num_envs) {
  return {.name = "CartPole",
          .num_envs = num_envs,
          .seed = 4,
          .parameters = {{"gravity", Distribution::uniform, 8, 12},
                         {"mass_pole", Distribution::log_uniform, 0.05F, 0.2F},
                         {"half_length", Distribution::normal, 0.5F, 0.05F},
                         {"action_delay", Distribution::uniform, 0, 2},
                         {"observation_noise", Distribution::fixed, 0.01F, 0}}};
}

/// `warm` iterations, until both graphs are captured, then `counted` more.
Calls calls_of(Algorithm& learner, int warm, int counted) {
  for (int i = 0; i < warm; ++i) {
    learner.collect();
    learner.update();
  }
  calls = {};
  for (int i = 0; i < counted; ++i) {
    learner.collect();
    learner.update();
  }
  return calls;
}

std::string bytes_of(Algorithm& learner) {
  Checkpoint file;
  learner.save(file);
  return file.bytes();
}

void expect_graphs_alone(Algorithm& learner, int warm = 2, int graphs = 2) {
  std::string const before = bytes_of(learner);
  calls = {};
  Calls const between = calls_of(learner, warm, 3);
  EXPECT_EQ(between.waits, 0);
  EXPECT_EQ(between.allocations, 0);
  EXPECT_EQ(between.copies, 0);
  EXPECT_EQ(between.kernels, 0);
  EXPECT_EQ(between.graphs, graphs * 3);
  // A log point reads: the counters do count.
  Metrics const metrics = learner.metrics();
  EXPECT_GT(calls.waits, 0);
  EXPECT_GT(calls.copies, 0);
  for (auto const& [name, value] : metrics) EXPECT_TRUE(std::isfinite(value)) << name;
  EXPECT_NE(bytes_of(learner), before);
}

TEST(OneDevice, ActsAndLearnsWithThousandsOfRandomisedInstances) {
  SKIP_WITHOUT_DEVICE();
  calls = {};
  Ppo::Config config;
  config.steps = 2;
  config.epochs = 1;
  config.minibatches = 4;
  config.hidden = {32};
  config.normalise_observation = true;
  config.normalise_reward = true;
  Ppo learner(Gpu{}, randomised(4096), config);
  EXPECT_GT(calls.allocations, 0);
  learner.collect();
  EXPECT_GT(calls.kernels, 0);  // the first pass is not captured
  expect_graphs_alone(learner);
}

TEST(OneDevice, SeesAndLearnsFromPixels) {
  SKIP_WITHOUT_DEVICE();
  Ppo::Config config;
  config.steps = 2;
  config.epochs = 1;
  config.minibatches = 2;
  config.hidden = {16};
  config.vision.size = 16;
  config.vision.filters = {4, 8};
  config.vision.kernels = {4, 3};
  config.vision.strides = {2, 2};
  config.vision.features = 16;
  Ppo learner(Gpu{}, randomised(64), config);
  expect_graphs_alone(learner);
}

// Every instance acts through a latent state of its own; one update, and one step of the slow critic, a step of
// all of them.
TEST(OneDevice, DreamsWithThousandsOfRandomisedInstances) {
  SKIP_WITHOUT_DEVICE();
  Dreamer::Config config;
  config.units = 16, config.deter = 16, config.blocks = 2, config.groups = 2;
  config.encoder_layers = config.decoder_layers = config.actor_layers = config.critic_layers = 1;
  config.bins = 9;
  config.batch = 4, config.length = 2, config.horizon = 3;
  config.capacity = 4 * 4096;
  config.train_ratio = 8.F / 4096;
  Dreamer learner(Gpu{}, randomised(4096), config);
  // Three steps until there is a sequence to learn from, two until both graphs are captured.
  expect_graphs_alone(learner, 5, 3);
  EXPECT_EQ(learner.updates(), 5);
}

}  // namespace
}  // namespace loom
