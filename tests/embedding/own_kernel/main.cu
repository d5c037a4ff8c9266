// Dreamloom's bodies inside somebody else's kernels, and its host functions on somebody else's memory and stream.
#include <kernels/core/random.hpp>
#include <kernels/nn/gae.hpp>
#include <kernels/nn/gae_body.hpp>
#include <kernels/render/raster_body.hpp>
#include <sim/core/vector_env.hpp>

#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "../own_model/model.hpp"

namespace {

void check(bool holds, char const* what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  if (!holds) std::exit(1);
}

/// Memory that this program allocates, not the library.
template <class T>
class Foreign {
 public:
  explicit Foreign(std::vector<T> const& host) : size_(host.size()) {
    CUDA_CHECK(cudaMalloc(&data_, size_ * sizeof(T)));
    CUDA_CHECK(cudaMemcpy(data_, host.data(), size_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  ~Foreign() { cudaFree(data_); }
  Foreign(Foreign const&) = delete;
  Foreign& operator=(Foreign const&) = delete;
  T* data() { return data_; }
  T const* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::vector<T> host(cudaStream_t stream) const {
    std::vector<T> copy(size_);
    CUDA_CHECK(
        cudaMemcpyAsync(copy.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost, stream));
    CUDA_CHECK(cudaStreamSynchronize(stream));
    return copy;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

// ---- a kernel with the library's random numbers, mathematics and bodies in it ----

/// What the kernel below and the loop on the host compute alike.
HD float noisy_tanh(float x, int i) {
  loom::Random<float> random(42, static_cast<std::uint32_t>(i), 0, loom::Purpose::step);
  return loom::math::tanh(x + 0.1F * random.normal());
}

__global__ void add_noise(float* x, int n) {
  int const i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) x[i] = noisy_tanh(x[i], i);
}

__global__ void estimate_advantages(loom::Gae body) {
  int const i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < body.instances) body(loom::Lane<float>{i});
}

__global__ void paint(loom::raster::PaintPixel body, int pixels) {
  int const i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < pixels) body(loom::Lane<float>{i});
}

unsigned blocks(int n) { return static_cast<unsigned>((n + 127) / 128); }

std::vector<float> numbers(std::size_t n, std::uint64_t seed) {
  std::vector<float> x(n);
  loom::Random<float> random(seed, 0, 0, loom::Purpose::weights);
  for (float& v : x) v = random.uniform(-1, 1);
  return x;
}

void bodies(cudaStream_t stream) {
  constexpr int kN = 128, kSteps = 12, kAll = kN * kSteps;
  std::vector<float> expected = numbers(kAll, 1);
  Foreign<float> x(expected);
  add_noise<<<blocks(kAll), 128, 0, stream>>>(x.data(), kAll);
  for (int i = 0; i < kAll; ++i) {
    float& v = expected[static_cast<std::size_t>(i)];
    v = noisy_tanh(v, i);
  }
  check(x.host(stream) == expected, "own kernel with Philox and loom::math: the bits of the host");

  std::vector<float> const value = numbers(kAll, 2), next = numbers(kN, 3);
  std::vector<std::uint8_t> terminated(kAll, 0), truncated(kAll, 0);
  for (std::size_t i = 5; i < kAll; i += 17) terminated[i] = 1;
  std::vector<float> advantage(kAll), returns(kAll);
  loom::GaeConfig config;
  config.bootstrap_truncated = false;
  loom::gae(loom::Cpu{}, kSteps, {expected, value, terminated, truncated, next, {}, {}}, config,
            advantage, returns);

  Foreign<float> d_value(value), d_next(next), d_advantage(value), d_returns(value);
  Foreign<std::uint8_t> d_terminated(terminated), d_truncated(truncated);
  loom::GaeInput const in{x, d_value, d_terminated, d_truncated, d_next, {}, {}};
  estimate_advantages<<<blocks(kN), 128, 0, stream>>>(
      {in, config, kSteps, kN, d_advantage, d_returns});
  check(d_advantage.host(stream) == advantage, "own kernel around the body of GAE");
  // The host function does the same on the same memory and stream.
  loom::gae(loom::Gpu{0, stream}, kSteps, in, config, d_returns, d_advantage);
  check(d_returns.host(stream) == advantage, "loom::gae on foreign memory and a foreign stream");
}

// ---- a batch of environments on that stream, with actions from an own kernel ----

/// Pushes the cart the way the pole leans.
__global__ void lean(loom::EnvMemory m) {
  int const i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < m.num_envs)
    m.action.at(0, i) = loom::as_float(m.observation.at(2, i) > 0 ? std::int32_t{1} : 0);
}

void environments(cudaStream_t stream) {
  constexpr int kN = 100;
  loom::VectorEnvConfig const config{.name = "CartPole", .num_envs = kN, .seed = 3};
  loom::VectorEnv there(loom::Gpu{0, stream}, config), here(loom::Cpu{}, config);
  for (int t = 0; t < 60; ++t) {
    lean<<<blocks(there.padded()), 128, 0, stream>>>(there.memory());
    there.step();
    std::vector<float> const o = here.host_observation();
    std::vector<float> push;
    for (std::size_t i = 0; i < kN; ++i) push.push_back(o[4 * i + 2] > 0 ? 1.F : 0.F);
    here.set_actions(push);
    here.step();
  }
  check(there.host_observation() == here.host_observation(), "VectorEnv on a foreign stream");

  loom::ImageSize const size{32, 24};
  int const pixels = 2 * size.width * size.height;
  std::vector<std::uint8_t> expected(static_cast<std::size_t>(3 * pixels));
  loom::Buffer<loom::Scene> const drawn_here = here.draw(2), drawn_there = there.draw(2);
  loom::render(loom::Cpu{}, drawn_here.in(), size, expected);
  Foreign<std::uint8_t> image(std::vector<std::uint8_t>(expected.size()));
  paint<<<blocks(pixels), 128, 0, stream>>>({drawn_there.in(), size, image}, pixels);
  check(image.host(stream) == expected, "own kernel around the body of the rasteriser");
}

// ---- dreams of own weights in own memory, on that stream ----

void dreams(cudaStream_t stream) {
  loom::Gpu const exec{0, stream};
  loom::DreamShape const shape = own::shape();
  own::Weights const weights;
  int const rows = own::kStarts, steps = own::kSteps, f = shape.feature();
  std::vector<std::uint32_t> ids(static_cast<std::size_t>(2 * rows * steps));
  std::iota(ids.begin(), ids.end(), 0U);
  Foreign<float> const numbers(weights.numbers), start(own::starts());
  Foreign<std::uint32_t> const streams(ids), tick(std::vector<std::uint32_t>{1});
  Foreign<float> feature(std::vector<float>(static_cast<std::size_t>(rows * (steps + 1) * f))),
      action(std::vector<float>(static_cast<std::size_t>(rows * steps * shape.actions)));
  loom::PackedDream model(exec, shape);
  model.pack(exec, weights.sources(numbers.data()));
  loom::dream_rollout(exec, model.view(), {start.data(), rows, f}, {7, streams, tick},
                      {{feature.data(), rows * (steps + 1), f},
                       {action.data(), rows * steps, shape.actions},
                       {},
                       nullptr});
  // States are bf16: five steps of 2^-9.
  check(own::as_known(feature.host(stream), 5e-3), "dreams of own weights in own memory");
}

}  // namespace

int main() {
  if (loom::device_count() == 0) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  cudaStream_t stream{};
  CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  bodies(stream);
  environments(stream);
  dreams(stream);
  CUDA_CHECK(cudaStreamDestroy(stream));
}
