#include <kernels/core/buffer.hpp>
#include <sim/core/vector_env.hpp>
#include <tests/device.hpp>
#include <tests/sim/c/handle.hpp>

namespace loom {
namespace {

constexpr int kN = 130;

/// A tensor's elements in row-major order, wherever they lie, by its strides alone.
template <class T>
std::vector<T> elements(Exec const& exec, DLTensor const& t) {
  std::size_t reach = 1;
  std::int64_t count = 1;
  for (int d = 0; d < t.ndim; ++d) {
    reach += static_cast<std::size_t>((t.shape[d] - 1) * t.strides[d]);
    count *= t.shape[d];
  }
  auto const* const first =
      reinterpret_cast<T const*>(static_cast<char const*>(t.data) + t.byte_offset);
  std::vector<T> const memory = download(exec, In<T>{first, reach});
  std::vector<T> all;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i, at = 0;
    for (int d = t.ndim - 1; d >= 0; --d) {
      at += rest % t.shape[d] * t.strides[d];
      rest /= t.shape[d];
    }
    all.push_back(memory[static_cast<std::size_t>(at)]);
  }
  return all;
}

std::vector<std::int64_t> shape_of(DLTensor const& t) { return {t.shape, t.shape + t.ndim}; }

TEST(DLPack, TilesAndRowsHoldTheSameObservations) {
  for (Exec const& exec : every_exec()) {
    Handle const handle(
        {.environment = "CartPole", .num_envs = kN, .device = on_cpu(exec) ? "cpu" : "cuda:0"});
    OK(dreamloom_step_random(handle));
    DLManagedTensor *tiles = nullptr, *rows = nullptr;
    OK(dreamloom_dlpack(handle, DREAMLOOM_OBSERVATION, DREAMLOOM_TILES, &tiles));
    OK(dreamloom_dlpack(handle, DREAMLOOM_OBSERVATION, DREAMLOOM_ROWS, &rows));
    DLTensor const &a = tiles->dl_tensor, &b = rows->dl_tensor;
    EXPECT_EQ(shape_of(a), (std::vector<std::int64_t>{3, 4, 64}));
    EXPECT_EQ(shape_of(b), (std::vector<std::int64_t>{kN, 4}));
    for (DLTensor const& t : {a, b}) {
      EXPECT_EQ(t.device.device_type, on_cpu(exec) ? kDLCPU : kDLCUDA);
      EXPECT_EQ(t.device.device_id, 0);
      EXPECT_EQ(t.dtype.code, kDLFloat);
      EXPECT_EQ(t.dtype.bits, 32);
      EXPECT_EQ(t.dtype.lanes, 1);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(t.data) % 256, 0U);
    }
    std::vector<float> const expected = handle.observation(kN, 4);
    EXPECT_EQ(elements<float>(exec, b), expected);
    std::vector<float> const in_tiles = elements<float>(exec, a);
    for (std::size_t i = 0; i < kN; ++i)
      for (std::size_t f = 0; f < 4; ++f)
        EXPECT_EQ(in_tiles[(i / 64 * 4 + f) * 64 + i % 64], expected[4 * i + f]);
    // The view follows the batch, the copy does not.
    OK(dreamloom_step_random(handle));
    EXPECT_EQ(elements<float>(exec, b), expected);
    EXPECT_NE(elements<float>(exec, a), in_tiles);
    tiles->deleter(tiles);
    rows->deleter(rows);
  }
}

TEST(DLPack, EveryArrayHasItsTypeAndShape) {
  struct Expected {
    dreamloom_array array;
    int code, bits;
    std::vector<std::int64_t> tiles, rows;
  };
  std::vector<Expected> const all{
      {DREAMLOOM_OBSERVATION, kDLFloat, 32, {3, 3, 64}, {kN, 3}},
      {DREAMLOOM_FINAL_OBSERVATION, kDLFloat, 32, {3, 3, 64}, {kN, 3}},
      {DREAMLOOM_ACTION, kDLFloat, 32, {3, 1, 64}, {kN, 1}},
      {DREAMLOOM_REWARD, kDLFloat, 32, {kN}, {kN}},
      {DREAMLOOM_TERMINATED, kDLUInt, 8, {kN}, {kN}},
      {DREAMLOOM_TRUNCATED, kDLUInt, 8, {kN}, {kN}},
  };
  for (char const* device : every_device()) {
    Handle const handle({.environment = "Pendulum", .num_envs = kN, .device = device});
    for (Expected const& e : all)
      for (dreamloom_layout const layout : {DREAMLOOM_TILES, DREAMLOOM_ROWS}) {
        DLManagedTensor* tensor = nullptr;
        OK(dreamloom_dlpack(handle, e.array, layout, &tensor));
        DLTensor const& t = tensor->dl_tensor;
        EXPECT_EQ(t.dtype.code, e.code) << e.array;
        EXPECT_EQ(t.dtype.bits, e.bits) << e.array;
        EXPECT_EQ(shape_of(t), layout == DREAMLOOM_TILES ? e.tiles : e.rows) << e.array;
        tensor->deleter(tensor);
      }
    DLManagedTensor* tensor = nullptr;
    EXPECT_EQ(dreamloom_dlpack(handle, static_cast<dreamloom_array>(6), DREAMLOOM_TILES, &tensor),
              DREAMLOOM_BAD_ARGUMENT);
    EXPECT_EQ(tensor, nullptr);
  }
}

TEST(DLPack, ActionsAreWrittenThroughTheView) {
  for (Exec const& exec : every_exec()) {
    char const* const device = on_cpu(exec) ? "cpu" : "cuda";
    Handle const written({.environment = "CartPole", .num_envs = kN, .device = device}),
        given({.environment = "CartPole", .num_envs = kN, .device = device});
    DLManagedTensor* tensor = nullptr;
    OK(dreamloom_dlpack(written, DREAMLOOM_ACTION, DREAMLOOM_TILES, &tensor));
    EXPECT_EQ(tensor->dl_tensor.dtype.code, kDLInt);
    std::vector<std::int32_t> actions(192);
    for (std::size_t i = 0; i < 192; ++i) actions[i] = static_cast<std::int32_t>(i % 3 / 2);
    upload<std::int32_t>(
        exec, actions, Out<std::int32_t>{static_cast<std::int32_t*>(tensor->dl_tensor.data), 192});
    tensor->deleter(tensor);
    for (int t = 0; t < 5; ++t) {
      OK(dreamloom_step(written));
      OK(dreamloom_step_discrete(given, actions.data(), DREAMLOOM_HOST));
    }
    EXPECT_EQ(written.observation(kN, 4), given.observation(kN, 4));
  }
}

TEST(DLPack, MemoryOutlivesTheHandle) {
  for (Exec const& exec : every_exec()) {
    dreamloom_config const config{.environment = "Pendulum",
                                  .num_envs = kN,
                                  .device = on_cpu(exec) ? "cpu" : "cuda",
                                  .threads = 2};
    dreamloom_env* env = nullptr;
    OK(dreamloom_create(&config, &env));
    DLManagedTensor *view = nullptr, *copy = nullptr;
    OK(dreamloom_dlpack(env, DREAMLOOM_OBSERVATION, DREAMLOOM_TILES, &view));
    OK(dreamloom_dlpack(env, DREAMLOOM_OBSERVATION, DREAMLOOM_ROWS, &copy));
    std::vector<float> const before = elements<float>(exec, view->dl_tensor);
    OK(dreamloom_destroy(env));
    EXPECT_EQ(elements<float>(exec, view->dl_tensor), before);
    view->deleter(view);
    EXPECT_EQ(elements<float>(exec, copy->dl_tensor).size(), std::size_t{kN * 3});
    copy->deleter(copy);
  }
}

}  // namespace
}  // namespace loom
