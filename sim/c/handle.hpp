#pragma once
// Behind the handles of dreamloom.h, and the wall that no exception passes.
#include <dreamloom.h>

#include <kernels/core/error.hpp>
#include <kernels/core/thread_pool.hpp>
#include <memory>
#include <sim/c/current_device.hpp>
#include <sim/core/vector_env.hpp>
#include <string>
#include <type_traits>

namespace loom::c {

/// A batch and the threads it runs on. Tensors share it with the handle.
struct Batch {
  Batch(std::unique_ptr<ThreadPool> threads, Exec const& exec, VectorEnvConfig config)
      : pool(std::move(threads)), env(exec, std::move(config)) {}

  std::unique_ptr<ThreadPool> pool;
  VectorEnv env;
  Buffer<float> staging;  ///< words on their way between row-major host memory and tiles

  /// At least n words of device memory, overwritten by the next call.
  float* staged(std::size_t n) {
    if (staging.size() < n) staging = Buffer<float>(env.exec(), n);
    return staging.data();
  }
};

/// Keeps the message for dreamloom_last_error(). Allocates nothing.
void remember(char const* function, char const* what) noexcept;

/// f() with every exception turned into a status.
template <class F>
dreamloom_status guarded(char const* function, F const& f) noexcept {
  try {
    f();
    return DREAMLOOM_OK;
  } catch (ConfigError const& e) {
    remember(function, e.what());
    return DREAMLOOM_BAD_ARGUMENT;
  } catch (ShapeError const& e) {
    remember(function, e.what());
    return DREAMLOOM_BAD_SHAPE;
  } catch (CudaError const& e) {
    remember(function, e.what());
    return DREAMLOOM_CUDA_ERROR;
  } catch (std::exception const& e) {
    remember(function, e.what());
  } catch (...) {
    remember(function, "an exception of a type unknown here");
  }
  return DREAMLOOM_FAILED;
}

inline void require_pointer(void const* pointer, char const* name) {
  require<ConfigError>(pointer != nullptr, name, " is NULL");
}

/// f(batch, exec) with the batch's device current; the device that was is current again afterwards.
template <class Handle, class F>
dreamloom_status with_batch(char const* function, Handle* env, F const& f) noexcept {
  return guarded(function, [&] {
    require<ConfigError>(env != nullptr, "env is NULL (needs a handle of dreamloom_create)");
    visit(env->batch->env.exec(), [&](auto exec) {
      CurrentDevice<decltype(exec)> const current(exec);
      f(*env->batch, exec);
    });
  });
}

inline bool same_device(Cpu, Cpu) { return true; }
inline bool same_device(Gpu a, Gpu b) { return a.device == b.device; }

inline bool is_direct(Batch const& batch, dreamloom_memory where) {
  require<ConfigError>(where == DREAMLOOM_HOST || where == DREAMLOOM_DEVICE, "memory is ",
                       static_cast<int>(where), " (needs DREAMLOOM_HOST or DREAMLOOM_DEVICE)");
  return where == DREAMLOOM_DEVICE || on_cpu(batch.env.exec());
}

}  // namespace loom::c

struct dreamloom_env {
  std::shared_ptr<loom::c::Batch> batch;
};

struct dreamloom_snapshot {
  loom::Snapshot saved;
  std::string environment;
};
