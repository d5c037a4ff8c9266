#pragma once
// CRC-32C (Castagnoli), the checksum of TensorBoard's records and of our checkpoints.
#include <cstdint>
#include <string_view>

namespace loom {

/// The CRC of `bytes` behind what `before` is the CRC of.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace loom
