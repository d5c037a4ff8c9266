#pragma once
// A checkpoint in memory: named tensors and JSON state. On disk: safetensors.
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace loom {

enum class DType { f32, i32, u32, u8, i64, u64 };

struct Tensor {
  DType dtype = DType::f32;
  std::vector<std::size_t> shape;
  std::vector<std::byte> bytes;  ///< little endian, row-major
};

}  // namespace loom
