#pragma once
// Reads the reference arrays below tests/fixtures; the format is described in fixture_file.py
// there.
#include <kernels/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace loom {

/// Fixture f("torch/ppo_discrete"); f.vector("logits"); f.shape("logits"); f.scalar("clip");
class Fixture {
 public:
  explicit Fixture(std::string const& name) : path_(folder() + name + ".bin") {
    std::ifstream file(path_, std::ios::binary);
    std::string line;
    require<IoError>(bool(std::getline(file, line)) && line == "loom-fixture", path_,
                     ": no fixture (needed: first line loom-fixture)");
    while (std::getline(file, line) && !line.empty()) {
      if (line[0] != '#') declare(line);
    }
    for (auto const& key : order_) read(file, arrays_.at(key));
    require<IoError>(bool(file) && file.peek() == EOF, path_, ": size differs from its header");
  }

  static std::string folder() { return DREAMLOOM_SOURCE_DIR "/tests/fixtures/"; }

  /// In the order of the file.
  std::vector<std::string> const& names() const { return order_; }
  std::vector<std::size_t> shape(std::string const& name) const { return at(name).shape; }
  std::vector<double> vector(std::string const& name) const { return at(name).values; }
  /// Exact for the inputs, which are stored as float.
  std::vector<float> floats(std::string const& name) const { return as<float>(name); }
  std::vector<std::int32_t> ints(std::string const& name) const { return as<std::int32_t>(name); }
  std::vector<std::uint8_t> flags(std::string const& name) const { return as<std::uint8_t>(name); }
  double scalar(std::string const& name) const {
    require(at(name).values.size() == 1, path_, ": ", name, " is no scalar");
    return at(name).values[0];
  }

 private:
  struct Array {
    std::string type;
    std::vector<std::size_t> shape;
    std::vector<double> values;
  };

  void declare(std::string const& line) {
    std::istringstream words(line);
    std::string name;
    Array array;
    words >> name >> array.type;
    std::size_t count = 1;
    for (std::size_t extent = 0; words >> extent;) {
      array.shape.push_back(extent);
      count *= extent;
    }
    array.values.resize(count);
    order_.push_back(name);
    arrays_.emplace(name, std::move(array));
  }

  template <class T>
  static void read_as(std::istream& file, std::vector<double>& values) {
    std::vector<T> raw(values.size());
    file.read(reinterpret_cast<char*>(raw.data()),
              static_cast<std::streamsize>(raw.size() * sizeof(T)));
    values.assign(raw.begin(), raw.end());
  }

  void read(std::istream& file, Array& array) const {
    if (array.type == "f32") return read_as<float>(file, array.values);
    if (array.type == "f64") return read_as<double>(file, array.values);
    if (array.type == "i32") return read_as<std::int32_t>(file, array.values);
    if (array.type == "u8") return read_as<std::uint8_t>(file, array.values);
    fail<IoError>(path_, ": type ", array.type, " (needed: f32, f64, i32 or u8)");
  }

  template <class T>
  std::vector<T> as(std::string const& name) const {
    auto const& values = at(name).values;
    std::vector<T> result(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) result[i] = static_cast<T>(values[i]);
    return result;
  }

  Array const& at(std::string const& name) const {
    auto const found = arrays_.find(name);
    require<IoError>(found != arrays_.end(), path_, ": holds no array ", name);
    return found->second;
  }

  std::string path_;
  std::vector<std::string> order_;
  std::map<std::string, Array> arrays_;
};

}  // namespace loom
