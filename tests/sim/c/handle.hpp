#pragma once
// A handle of dreamloom.h that frees itself, on every device there is.
#include <dreamloom.h>
#include <gtest/gtest.h>

#include <kernels/core/exec.hpp>
#include <string>
#include <utility>
#include <vector>

// In C, members that a designated initialiser leaves out are zero and no one warns.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define OK(call) ASSERT_EQ(call, DREAMLOOM_OK) << dreamloom_last_error()

namespace loom {

class Handle {
 public:
  explicit Handle(dreamloom_config const& config) {
    EXPECT_EQ(dreamloom_create(&config, &env_), DREAMLOOM_OK) << dreamloom_last_error();
  }
  ~Handle() { dreamloom_destroy(env_); }
  Handle(Handle const&) = delete;
  Handle& operator=(Handle const&) = delete;
  operator dreamloom_env*() const { return env_; }

  /// (N, O), in host memory.
  std::vector<float> observation(int n, int o) const {
    std::vector<float> rows(static_cast<std::size_t>(n * o));
    EXPECT_EQ(dreamloom_observe(env_, rows.data(), DREAMLOOM_HOST), DREAMLOOM_OK);
    return rows;
  }

 private:
  dreamloom_env* env_ = nullptr;
};

/// The Execs of every_exec() by name.
inline std::vector<char const*> every_device() {
  std::vector<char const*> all{"cpu"};
  if (device_count() > 0) all.push_back("cuda:0");
  return all;
}

}  // namespace loom
