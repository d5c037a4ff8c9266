#include <cuda_runtime_api.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <initializer_list>
#include <kernels/core/device.hpp>
#include <kernels/core/dynamic_library.hpp>
#include <kernels/core/error.hpp>
#include <kernels/linalg/cudnn_cuda.hpp>
#include <map>
#include <memory>
#include <mutex>

namespace loom::cudnn {
namespace {

// cuDNN 9's classic interface, declared here: its headers are no part of the CUDA toolkit, and a
// build without them should still use the library where it finds it. Values as in cudnn_ops_v9.h.
using Status = int;
using Handle = void*;
using Tensor = void*;
using Filter = void*;
using Window = void*;  // cudnnConvolutionDescriptor_t
// Bad parameters are 2000 and up, what is not supported 3000 and up.
constexpr Status kSuccess = 0, kRefused = 2000, kInternalError = 4000;
constexpr int kFloat = 0, kNhwc = 1, kCrossCorrelation = 1, kDefaultMath = 0, kFmaMath = 3;
constexpr int kImplicitPrecompGemm = 1, kBackwardDataAlgo1 = 1, kBackwardFilterAlgo1 = 1;

struct Library {
  Status (*create)(Handle*);
  Status (*set_stream)(Handle, void*);
  Status (*create_tensor)(Tensor*);
  Status (*set_tensor)(Tensor, int format, int type, int n, int c, int h, int w);
  Status (*create_filter)(Filter*);
  Status (*set_filter)(Filter, int type, int format, int k, int c, int h, int w);
  Status (*create_window)(Window*);
  Status (*set_window)(Window, int pad_h, int pad_w, int stride_h, int stride_w, int dilation_h,
                       int dilation_w, int mode, int type);
  Status (*set_math)(Window, int);
  Status (*forward_bytes)(Handle, Tensor x, Filter, Window, Tensor y, int algorithm, std::size_t*);
  Status (*data_bytes)(Handle, Filter, Tensor dy, Window, Tensor dx, int algorithm, std::size_t*);
  Status (*weights_bytes)(Handle, Tensor x, Tensor dy, Window, Filter, int algorithm, std::size_t*);
  Status (*forward)(Handle, void const* alpha, Tensor, void const* x, Filter, void const* w, Window,
                    int algorithm, void* space, std::size_t, void const* beta, Tensor, void* y);
  Status (*data)(Handle, void const* alpha, Filter, void const* w, Tensor, void const* dy, Window,
                 int algorithm, void* space, std::size_t, void const* beta, Tensor, void* dx);
  Status (*weights)(Handle, void const* alpha, Tensor, void const* x, Tensor, void const* dy,
                    Window, int algorithm, void* space, std::size_t, void const* beta, Filter,
                    void* dw);
};

std::unique_ptr<Library const> opened() {
  try {
    DynamicLibrary const file("cudnn", "libcudnn.so.9");
    auto l = std::make_unique<Library>();
    file.bind(l->create, "cudnnCreate");
    file.bind(l->set_stream, "cudnnSetStream");
    file.bind(l->create_tensor, "cudnnCreateTensorDescriptor");
    file.bind(l->set_tensor, "cudnnSetTensor4dDescriptor");
    file.bind(l->create_filter, "cudnnCreateFilterDescriptor");
    file.bind(l->set_filter, "cudnnSetFilter4dDescriptor");
    file.bind(l->create_window, "cudnnCreateConvolutionDescriptor");
    file.bind(l->set_window, "cudnnSetConvolution2dDescriptor");
    file.bind(l->set_math, "cudnnSetConvolutionMathType");
    file.bind(l->forward_bytes, "cudnnGetConvolutionForwardWorkspaceSize");
    file.bind(l->data_bytes, "cudnnGetConvolutionBackwardDataWorkspaceSize");
    file.bind(l->weights_bytes, "cudnnGetConvolutionBackwardFilterWorkspaceSize");
    file.bind(l->forward, "cudnnConvolutionForward");
    file.bind(l->data, "cudnnConvolutionBackwardData");
    file.bind(l->weights, "cudnnConvolutionBackwardFilter");
    return l;
  } catch (IoError const& error) {
    std::fprintf(stderr, "%s; convolutions use matrix products\n", error.what());
    return nullptr;
  }
}

std::atomic<int> hidden{0};

Library const* library() {
  if (hidden > 0) return nullptr;
  static auto const once = opened();
  return once.get();
}

void check(Status status, char const* call) {
  if (status != kSuccess) fail<CudaError>("cudnn: ", call, " failed with status ", status);
}

constexpr int kForward = 0, kData = 1, kWeights = 2;

/// Descriptions of one convolution, and what the library says of its directions. Kept for good.
struct Plan {
  Tensor x{}, y{};
  Filter w{};
  Window window{};
  std::array<bool, 3> taken{};
  std::array<std::size_t, 3> bytes{};
};

/// Handles and plans so far. A call holds the lock: a handle has one stream at a time.
class Plans {
 public:
  static Plans& instance() {
    static Plans plans;
    return plans;
  }

  /// f(handle, plan) with the handle on exec's stream. False without a handle.
  template <class F>
  bool use(Library const& l, Gpu exec, Convolution const& c, F const& f) {
    std::lock_guard const lock(mutex_);
    CUDA_CHECK(cudaSetDevice(exec.device));
    auto [handle, fresh] = handles_.try_emplace(exec.device);
    if (fresh && l.create(&handle->second) != kSuccess) {
      handle->second = nullptr;
      std::fprintf(stderr, "cudnn: no handle for device %d; convolutions use matrix products\n",
                   exec.device);
    }
    if (handle->second == nullptr) return false;
    auto const& s = c.shape;
    auto [plan, unknown] =
        plans_.try_emplace({exec.device, c.images, s.height, s.width, s.channels, s.filters,
                            s.kernel, s.stride, s.padding, static_cast<int>(c.precision)});
    if (unknown) plan->second = described(l, handle->second, c);
    check(l.set_stream(handle->second, exec.stream), "cudnnSetStream");
    return f(handle->second, plan->second);
  }

 private:
  static Plan described(Library const& l, Handle handle, Convolution const& c) {
    auto const& s = c.shape;
    Plan p;
    check(l.create_tensor(&p.x), "cudnnCreateTensorDescriptor");
    check(l.create_tensor(&p.y), "cudnnCreateTensorDescriptor");
    check(l.create_filter(&p.w), "cudnnCreateFilterDescriptor");
    check(l.create_window(&p.window), "cudnnCreateConvolutionDescriptor");
    check(l.set_tensor(p.x, kNhwc, kFloat, c.images, s.channels, s.height, s.width),
          "cudnnSetTensor4dDescriptor");
    check(l.set_tensor(p.y, kNhwc, kFloat, c.images, s.filters, s.out_height(), s.out_width()),
          "cudnnSetTensor4dDescriptor");
    check(l.set_filter(p.w, kFloat, kNhwc, s.filters, s.channels, s.kernel, s.kernel),
          "cudnnSetFilter4dDescriptor");
    check(l.set_window(p.window, s.padding, s.padding, s.stride, s.stride, 1, 1, kCrossCorrelation,
                       kFloat),
          "cudnnSetConvolution2dDescriptor");
    // The default mode may round to tf32.
    check(l.set_math(p.window, c.precision == Precision::tf32 ? kDefaultMath : kFmaMath),
          "cudnnSetConvolutionMathType");
    p.taken = {l.forward_bytes(handle, p.x, p.w, p.window, p.y, kImplicitPrecompGemm,
                               &p.bytes[kForward]) == kSuccess,
               l.data_bytes(handle, p.w, p.y, p.window, p.x, kBackwardDataAlgo1, &p.bytes[kData]) ==
                   kSuccess,
               l.weights_bytes(handle, p.x, p.y, p.window, p.w, kBackwardFilterAlgo1,
                               &p.bytes[kWeights]) == kSuccess};
    return p;
  }

  std::mutex mutex_;
  std::map<int, Handle> handles_;
  std::map<std::array<int, 10>, Plan> plans_;
};

/// What the library's kernels may assume of addresses.
bool aligned(std::initializer_list<void const*> addresses) {
  std::uintptr_t bits = 0;
  for (void const* p : addresses) bits |= reinterpret_cast<std::uintptr_t>(p);
  return bits % 16 == 0;
}

/// One direction. submit(library, handle, plan) gives the library's status.
template <class Submit>
bool run(Gpu exec, Convolution const& c, int direction, std::initializer_list<void const*> operands,
         std::size_t space, Submit const& submit) {
  Library const* const l = library();
  if (l == nullptr || !aligned(operands)) return false;
  auto const d = static_cast<std::size_t>(direction);
  return Plans::instance().use(*l, exec, c, [&](Handle handle, Plan& plan) {
    if (!plan.taken[d] || plan.bytes[d] > space) return false;
    Status const status = submit(*l, handle, plan);
    // Some combinations are only refused when they are called.
    plan.taken[d] = status < kRefused || status >= kInternalError;
    if (plan.taken[d]) check(status, "convolution");
    return plan.taken[d];
  });
}

constexpr float kOne = 1.F, kZero = 0.F;

}  // namespace

Hidden::Hidden() { ++hidden; }
Hidden::~Hidden() { --hidden; }

std::size_t workspace(Gpu exec, Convolution const& c) {
  Library const* const l = library();
  std::size_t most = 0;
  if (l != nullptr)
    Plans::instance().use(*l, exec, c, [&](Handle, Plan const& plan) {
      for (std::size_t d = 0; d < 3; ++d)
        if (plan.taken[d] && plan.bytes[d] > most) most = plan.bytes[d];
      return true;
    });
  return most;
}

bool forward(Gpu exec, Convolution const& c, float const* x, float const* w, float* y,
             Out<std::uint8_t> space) {
  return run(exec, c, kForward, {x, w, y}, space.size,
             [&](Library const& l, Handle handle, Plan const& p) {
               return l.forward(handle, &kOne, p.x, x, p.w, w, p.window, kImplicitPrecompGemm,
                                space.data, space.size, &kZero, p.y, y);
             });
}

bool backward_data(Gpu exec, Convolution const& c, float const* dy, float const* w, float* dx,
                   Out<std::uint8_t> space) {
  return run(exec, c, kData, {dy, w, dx}, space.size,
             [&](Library const& l, Handle handle, Plan const& p) {
               return l.data(handle, &kOne, p.w, w, p.y, dy, p.window, kBackwardDataAlgo1,
                             space.data, space.size, &kZero, p.x, dx);
             });
}

bool backward_weights(Gpu exec, Convolution const& c, float const* x, float const* dy, float* dw,
                      Result result, Out<std::uint8_t> space) {
  return run(exec, c, kWeights, {x, dy, dw}, space.size,
             [&](Library const& l, Handle handle, Plan const& p) {
               return l.weights(handle, &kOne, p.x, x, p.y, dy, p.window, kBackwardFilterAlgo1,
                                space.data, space.size, result == Result::add ? &kOne : &kZero, p.w,
                                dw);
             });
}

}  // namespace loom::cudnn
