#pragma once
// Errors that name who found what, and what is needed: "replay: asked for 256 samples, holds 90
// (…)".
#include <sstream>
#include <stdexcept>
#include <string>

namespace loom {

/// Every error that Dreamloom throws on purpose.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Sizes that do not fit together.
struct ShapeError : Error {
  using Error::Error;
};
/// A setting, a name or a range that cannot be used.
struct ConfigError : Error {
  using Error::Error;
};
/// A file that cannot be read or written.
struct IoError : Error {
  using Error::Error;
};
/// A call of the CUDA runtime or one of its libraries that failed, or a device that is missing.
struct CudaError : Error {
  using Error::Error;
};

template <class E = Error, class... Parts>
[[noreturn]] void fail(Parts const&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw E(text.str());
}

/// Throws E with the concatenated parts unless `condition` holds. Called where the host enters,
/// never in kernels.
template <class E = ShapeError, class... Parts>
void require(bool condition, Parts const&... parts) {
  if (!condition) fail<E>(parts...);
}

}  // namespace loom
