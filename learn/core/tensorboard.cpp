#include <bit>
#include <learn/core/crc32c.hpp>
#include <learn/core/tensorboard.hpp>

namespace loom::tensorboard {
namespace {

/// Protobuf's wire types.
enum class Wire { varint = 0, bits64 = 1, bytes = 2, bits32 = 5 };

template <class T>
void put_fixed(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}

void put_tag(std::string& out, int field, Wire wire) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(wire));
}

void put_bytes(std::string& out, int field, std::string_view bytes) {
  put_tag(out, field, Wire::bytes);
  put_varint(out, bytes.size());
  out += bytes;
}

/// Event { double wall_time = 1; int64 step = 2; oneof what { … } }
std::string event(double wall_time_s, std::int64_t step) {
  std::string out;
  put_tag(out, 1, Wire::bits64);
  put_fixed(out, std::bit_cast<std::uint64_t>(wall_time_s));
  if (step != 0) {  // proto3 leaves zeros out
    put_tag(out, 2, Wire::varint);
    put_varint(out, static_cast<std::uint64_t>(step));
  }
  return out;
}

/// A CRC of data that holds CRCs is weak: frames hold it rotated and offset.
std::uint32_t masked_crc(std::string_view data) {
  return std::rotr(crc32c(data), 15) + 0xA282EAD8U;
}

}  // namespace

std::string record(std::string_view data) {
  std::string out;
  put_fixed(out, std::uint64_t{data.size()});
  put_fixed(out, masked_crc(out));
  out += data;
  put_fixed(out, masked_crc(data));
  return out;
}

std::string version_event(double wall_time_s) {
  std::string out = event(wall_time_s, 0);
  put_bytes(out, 3, "brain.Event:2");  // Event.file_version
  return out;
}

std::string restart_event(double wall_time_s, std::int64_t step) {
  std::string session_log;  // SessionLog { SessionStatus status = 1; }, START = 1
  put_tag(session_log, 1, Wire::varint);
  put_varint(session_log, 1);
  std::string out = event(wall_time_s, step);
  put_bytes(out, 7, session_log);  // Event.session_log
  return out;
}

std::string scalars_event(double wall_time_s, std::int64_t step, Metrics const& metrics) {
  std::string summary;
  for (auto const& [name, number] : metrics) {
    std::string value;  // Summary.Value { string tag = 1; float simple_value = 2; }
    put_bytes(value, 1, name);
    put_tag(value, 2, Wire::bits32);
    put_fixed(value, std::bit_cast<std::uint32_t>(static_cast<float>(number)));
    put_bytes(summary, 1, value);  // Summary { repeated Value value = 1; }
  }
  std::string out = event(wall_time_s, step);
  put_bytes(out, 5, summary);  // Event.summary
  return out;
}

}  // namespace loom::tensorboard
