#pragma once
// Errors that name who found what, and what is needed: "replay: asked for 256 samples, holds 90
// (…)".
#include <concepts>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

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

/// One part of a message: text, a character or a number, which reads as a stream would print it. Refers to the text.
class MessagePart {
 public:
  MessagePart(std::string_view text) : kind_(Kind::text), text_(text) {}
  MessagePart(std::string const& text) : MessagePart(std::string_view(text)) {}
  MessagePart(char const* text) : MessagePart(std::string_view(text)) {}
  MessagePart(char const& character) : MessagePart(std::string_view(&character, 1)) {}
  MessagePart(std::signed_integral auto number) : kind_(Kind::integer), integer_(number) {}
  MessagePart(std::unsigned_integral auto number) : kind_(Kind::natural), natural_(number) {}
  MessagePart(std::floating_point auto number) : kind_(Kind::real), real_(number) {}

  void append_to(std::string& message) const;

 private:
  enum class Kind { text, integer, natural, real };
  Kind kind_;
  union {
    std::string_view text_;
    long long integer_;
    unsigned long long natural_;
    double real_;
  };
};

/// The parts one after another.
std::string concatenated(std::initializer_list<MessagePart> parts);

template <class E = Error, class... Parts>
[[noreturn]] void fail(Parts const&... parts) {
  throw E(concatenated({MessagePart(parts)...}));
}

/// Throws E with the concatenated parts unless `condition` holds. Called where the host enters,
/// never in kernels.
template <class E = ShapeError, class... Parts>
void require(bool condition, Parts const&... parts) {
  if (!condition) fail<E>(parts...);
}

}  // namespace loom
