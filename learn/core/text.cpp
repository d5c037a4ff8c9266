#include <charconv>
#include <cmath>
#include <learn/core/text.hpp>

namespace loom {

std::string toml_quoted(std::string const& text) {
  static constexpr char const* hex = "0123456789abcdef";
  std::string quoted = "\"";
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += std::string("\\u00") + hex[byte / 16] + hex[byte % 16];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string shortest(double value) {
  if (std::isnan(value)) return "nan";
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace loom
