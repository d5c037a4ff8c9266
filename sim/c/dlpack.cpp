// The batch's arrays as DLPack tensors.
#include <algorithm>
#include <sim/c/handle.hpp>
#include <sim/core/rows.hpp>

namespace loom::c {
namespace {

/// A tensor and what keeps its memory: a share of the batch, or a copy of its own.
struct Tensor {
  DLManagedTensor managed{};
  std::int64_t shape[3]{}, strides[3]{};
  std::shared_ptr<Batch> batch;
  Buffer<std::uint8_t> copy;
};

DLDevice device_of(Cpu) { return {kDLCPU, 0}; }
[[maybe_unused]] DLDevice device_of(Gpu gpu) { return {kDLCUDA, gpu.device}; }

/// One array of the batch.
struct Array {
  void* data;
  int fields;  ///< 0: one element an instance, contiguous
  DLDataType type;
};

Array array_of(VectorEnv const& env, dreamloom_array array) {
  EnvMemory const& m = env.memory();
  DLDataType const real{kDLFloat, 32, 1}, word{kDLInt, 32, 1}, byte{kDLUInt, 8, 1};
  switch (array) {
    case DREAMLOOM_OBSERVATION:
      return {m.observation.data, m.observation.fields, real};
    case DREAMLOOM_FINAL_OBSERVATION:
      return {m.final_observation.data, m.final_observation.fields, real};
    case DREAMLOOM_ACTION:
      return {m.action.data, m.action.fields, env.spec().actions.discrete ? word : real};
    case DREAMLOOM_REWARD:
      return {m.reward, 0, real};
    case DREAMLOOM_TERMINATED:
      return {m.terminated, 0, byte};
    case DREAMLOOM_TRUNCATED:
      return {m.truncated, 0, byte};
  }
  fail<ConfigError>("array is ", static_cast<int>(array), " (needs a dreamloom_array)");
}

/// Shape and contiguous strides.
void lay_out(Tensor& t, std::initializer_list<std::int64_t> shape) {
  std::copy(shape.begin(), shape.end(), t.shape);
  auto const n = static_cast<int>(shape.size());
  std::int64_t stride = 1;
  for (int d = n - 1; d >= 0; --d) {
    t.strides[d] = stride;
    stride *= t.shape[d];
  }
  t.managed.dl_tensor.ndim = n;
}

/// The batch's memory as it lies.
void view(Tensor& t, Array const& a, std::shared_ptr<Batch> const& batch) {
  t.batch = batch;
  t.managed.dl_tensor.data = a.data;
  if (a.fields == 0)
    lay_out(t, {batch->env.num_envs()});
  else
    lay_out(t, {batch->env.padded() / kTile, a.fields, kTile});
}

/// Rows in memory of the tensor's own.
template <class Machine>
void copy_rows(Tensor& t, Array const& a, Batch const& batch, Machine exec) {
  int const n = batch.env.num_envs();
  std::size_t const size = static_cast<std::size_t>(n) * (a.type.bits / 8U) *
                           static_cast<std::size_t>(std::max(1, a.fields));
  // The pool may be gone before the copy is: releasing memory needs none.
  t.copy = Buffer<std::uint8_t>(on_cpu(batch.env.exec()) ? Exec{Cpu{}} : batch.env.exec(), size);
  t.managed.dl_tensor.data = t.copy.data();
  if (a.fields == 0) {
    lay_out(t, {n});
    memory::copy(batch.env.exec(), a.data, t.copy.data(), size);
  } else {
    lay_out(t, {n, a.fields});
    rows_from_tiles(exec, {static_cast<float const*>(a.data), a.fields},
                    {reinterpret_cast<float*>(t.copy.data()), n, a.fields});
  }
}

}  // namespace
}  // namespace loom::c

using namespace loom;
using namespace loom::c;

dreamloom_status dreamloom_dlpack(dreamloom_env* env, dreamloom_array array,
                                  dreamloom_layout layout, DLManagedTensor** tensor) {
  return with_batch(__func__, env, [&](Batch const& batch, auto exec) {
    require_pointer(tensor, "tensor");
    *tensor = nullptr;
    require<ConfigError>(layout == DREAMLOOM_TILES || layout == DREAMLOOM_ROWS, "layout is ",
                         static_cast<int>(layout), " (needs DREAMLOOM_TILES or DREAMLOOM_ROWS)");
    auto t = std::make_unique<Tensor>();
    Array const a = array_of(batch.env, array);
    if (layout == DREAMLOOM_TILES)
      view(*t, a, env->batch);
    else
      copy_rows(*t, a, batch, exec);
    DLTensor& d = t->managed.dl_tensor;
    d.device = device_of(exec);
    d.dtype = a.type;
    d.shape = t->shape;
    d.strides = t->strides;
    t->managed.manager_ctx = t.get();
    t->managed.deleter = [](DLManagedTensor* self) {
      if (self != nullptr) delete static_cast<Tensor*>(self->manager_ctx);
    };
    *tensor = &t.release()->managed;
  });
}
