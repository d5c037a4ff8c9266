#pragma once
// The three directions of a convolution through cuDNN. Only CUDA builds.
#include <kernels/linalg/conv.hpp>

namespace loom::cudnn {

/// What a call computes: `images` of `shape`.
struct Convolution {
  ConvShape shape;
  int images;
  Precision precision;
};

/// Bytes that the directions which the library takes need at most.
std::size_t workspace(Gpu exec, Convolution const& c);

// False when the library is missing (said once on stderr), declines the convolution, needs more
// workspace or an operand is not aligned to 16 bytes: nothing has been submitted then. A convolution
// always gets the same algorithm, which is a deterministic one.
bool forward(Gpu exec, Convolution const& c, float const* x, float const* w, float* y,
             Out<std::uint8_t> workspace);
bool backward_data(Gpu exec, Convolution const& c, float const* dy, float const* w, float* dx,
                   Out<std::uint8_t> workspace);
bool backward_weights(Gpu exec, Convolution const& c, float const* x, float const* dy, float* dw,
                      Result result, Out<std::uint8_t> workspace);

/// Tests: as if the library were missing, until the object is gone.
class Hidden {
 public:
  Hidden();
  ~Hidden();
  Hidden(Hidden const&) = delete;
  Hidden& operator=(Hidden const&) = delete;
};

}  // namespace loom::cudnn
