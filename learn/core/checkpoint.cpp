#include <algorithm>
#include <iterator>
#include <learn/core/atomic_file.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/core/crc32c.hpp>
#include <set>

namespace loom {
namespace {

using nlohmann::json;

struct DTypeInfo {
  char const* name;
  std::size_t size;
};
constexpr DTypeInfo kDTypes[] = {{"F32", 4}, {"I32", 4}, {"U32", 4}, {"U8", 1},   {"I64", 8},
                                 {"U64", 8}, {"F64", 8}, {"F16", 2}, {"BF16", 2}, {"I8", 1},
                                 {"I16", 2}, {"U16", 2}, {"BOOL", 1}};

constexpr char kState[] = "dreamloom";
// The checksum's digits stand behind this text, which can occur nowhere else in a header: inside a
// string its quotes would be escaped. For the sum itself the digits count as zeros.
constexpr std::string_view kChecksum = "\"dreamloom.checksum\":\"crc32c:";
constexpr std::string_view kNoDigits = "00000000";
constexpr char kChecksumKey[] = "dreamloom.checksum";
constexpr std::size_t kMaxHeader = 100'000'000;  // as the reference reader

std::string hex(std::uint32_t value) {
  std::string text(8, '0');
  for (auto c = text.rbegin(); c != text.rend(); ++c, value /= 16)
    *c = "0123456789abcdef"[value % 16];
  return text;
}

std::string shape_text(std::vector<std::size_t> const& shape) {
  std::string text = "(";
  for (std::size_t const n : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + ")";
}

/// Bytes of a tensor; false when the number does not fit.
bool bytes_of(DType dtype, std::vector<std::size_t> const& shape, std::size_t& bytes) {
  bytes = size_of(dtype);
  for (std::size_t const n : shape) {
    if (__builtin_mul_overflow(bytes, n, &bytes)) return false;
  }
  return true;
}

std::string_view view(std::vector<std::byte> const& bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

std::string little_endian(std::uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xFF);
  return bytes;
}

/// Reads foreign bytes: nothing is trusted before it has been compared with the file's size.
class Reader {
 public:
  Reader(std::string_view file, std::string const& source) : file_(file), source_(source) {}

  void split() {
    require_whole(file_.size() >= 8, "it has ", file_.size(), " bytes, not even a header's length");
    std::uint64_t length = 0;
    for (std::size_t i = 8; i-- > 0;) {
      length = length << 8 | static_cast<unsigned char>(file_[i]);
    }
    require_sound(length <= kMaxHeader, "its header claims ", length, " bytes");
    require_whole(length <= file_.size() - 8, "its header claims ", length, " bytes, the file has ",
                  file_.size());
    header_ = file_.substr(8, length);
    data_ = file_.substr(8 + length);
  }

  /// JSON without duplicate keys and without depths that would exhaust the stack.
  json parse_json(std::string_view text, std::size_t max_depth, char const* what) const {
    std::vector<std::set<std::string>> keys;
    std::size_t depth = 0;
    auto const check = [&](int, json::parse_event_t event, json& parsed) {
      using Event = json::parse_event_t;
      if (event == Event::object_start || event == Event::array_start) {
        require_sound(++depth <= max_depth, "its ", what, " is nested too deeply");
        keys.emplace_back();
      } else if (event == Event::object_end || event == Event::array_end) {
        --depth;
        keys.pop_back();
      } else if (event == Event::key) {
        auto const& name = parsed.get_ref<std::string const&>();
        require_sound(keys.back().insert(name).second, "its ", what, " has \"", name, "\" twice");
      }
      return true;
    };
    try {
      json parsed = json::parse(text.begin(), text.end(), check);
      require_sound(parsed.is_object(), "its ", what, " is not a JSON object");
      return parsed;
    } catch (json::exception const&) {
      unsound("its ", what, " is not JSON");
    }
  }

  json header() const { return parse_json(header_, 3, "header"); }

  void verify_checksum() const {
    auto const at = header_.find(kChecksum);
    require_sound(at != header_.npos, "its checksum cannot be read");
    auto const digits = file_.substr(8 + at + kChecksum.size(), kNoDigits.size());
    std::size_t const before = 8 + at + kChecksum.size();
    std::uint32_t sum = crc32c(file_.substr(0, before));
    sum = crc32c(kNoDigits, sum);
    sum = crc32c(file_.substr(before + kNoDigits.size()), sum);
    require_sound(digits == hex(sum), "its checksum is ", hex(sum), ", not ", digits);
  }

  /// Tensors must tile the data without gap or overlap, as the format demands.
  std::map<std::string, Tensor> tensors(json const& header) const {
    std::map<std::string, Tensor> tensors;
    std::map<std::size_t, std::pair<std::size_t, Tensor*>> extents;  // begin -> end, tensor
    for (auto const& [name, entry] : header.items()) {
      if (name == "__metadata__") continue;
      auto const [begin, end] = offsets(name, entry);
      Tensor& tensor = tensors[name];
      tensor.dtype = dtype(name, entry);
      tensor.shape = shape(name, entry);
      std::size_t bytes = 0;
      require_sound(bytes_of(tensor.dtype, tensor.shape, bytes) && bytes == end - begin,
                    "tensor \"", name, "\" has ", end - begin, " bytes for shape ",
                    shape_text(tensor.shape));
      if (bytes == 0) continue;
      require_sound(extents.try_emplace(begin, end, &tensor).second, "tensor \"", name,
                    "\" overlaps another");
    }
    std::size_t covered = 0;
    for (auto const& [begin, extent] : extents) {
      require_sound(begin == covered, "its tensors leave a gap or overlap at byte ",
                    std::min(begin, covered));
      covered = extent.first;
    }
    require_sound(covered == data_.size(), "its tensors take ", covered, " bytes, the file holds ",
                  data_.size());
    // Copied only now: overlapping tensors could claim the same gigabyte a million times.
    for (auto const& [begin, extent] : extents) {
      auto const* first = reinterpret_cast<std::byte const*>(data_.data());
      extent.second->bytes.assign(first + begin, first + extent.first);
    }
    return tensors;
  }

  template <class... P>
  [[noreturn]] void unsound(P const&... parts) const {
    fail<IoError>(source_, ": not a usable checkpoint: ", parts...);
  }
  template <class... P>
  void require_sound(bool condition, P const&... parts) const {
    if (!condition) unsound(parts...);
  }

 private:
  template <class... P>
  void require_whole(bool condition, P const&... parts) const {
    require<IoError>(condition, source_, ": truncated checkpoint: ", parts...);
  }

  std::size_t number(std::string const& name, json const& value) const {
    require_sound(value.is_number_unsigned(), "tensor \"", name, "\" has a size that is none");
    return value.get<std::size_t>();
  }

  json const& field(std::string const& name, json const& entry, char const* key) const {
    require_sound(entry.is_object() && entry.contains(key), "tensor \"", name, "\" has no ", key);
    return *entry.find(key);
  }

  DType dtype(std::string const& name, json const& entry) const {
    json const& value = field(name, entry, "dtype");
    for (std::size_t i = 0; i < std::size(kDTypes); ++i) {
      if (value == kDTypes[i].name) return static_cast<DType>(i);
    }
    unsound("tensor \"", name, "\" has a dtype that is not known");
  }

  std::vector<std::size_t> shape(std::string const& name, json const& entry) const {
    json const& value = field(name, entry, "shape");
    require_sound(value.is_array(), "tensor \"", name, "\" has no shape");
    std::vector<std::size_t> shape;
    for (json const& n : value) shape.push_back(number(name, n));
    return shape;
  }

  std::pair<std::size_t, std::size_t> offsets(std::string const& name, json const& entry) const {
    json const& value = field(name, entry, "data_offsets");
    require_sound(value.is_array() && value.size() == 2, "tensor \"", name,
                  "\" has no data_offsets");
    std::size_t const begin = number(name, value[0]), end = number(name, value[1]);
    require_whole(begin > end || end <= data_.size(), "tensor \"", name, "\" ends at byte ", end,
                  " of ", data_.size());
    require_sound(begin <= end, "tensor \"", name, "\" ends before it begins");
    return {begin, end};
  }

  std::string_view file_, header_, data_;
  std::string const& source_;
};

}  // namespace

std::size_t size_of(DType dtype) { return kDTypes[static_cast<std::size_t>(dtype)].size; }
char const* name_of(DType dtype) { return kDTypes[static_cast<std::size_t>(dtype)].name; }

Checkpoint Checkpoint::read(std::filesystem::path const& path) {
  return parse(read_whole(path), path.string());
}

Checkpoint Checkpoint::parse(std::string_view bytes, std::string source) {
  Checkpoint checkpoint;
  checkpoint.source_ = std::move(source);
  Reader reader(bytes, checkpoint.source_);
  reader.split();
  json const header = reader.header();
  auto const metadata = header.value("__metadata__", json::object());
  reader.require_sound(metadata.is_object(), "its __metadata__ is not an object");
  for (json const& value : metadata) {
    reader.require_sound(value.is_string(), "its __metadata__ holds more than text");
  }
  // Before the sum, which a truncated file fails too: "ends at byte 80 of 60" says more.
  checkpoint.tensors_ = reader.tensors(header);
  if (metadata.contains(kChecksumKey)) reader.verify_checksum();
  if (auto const state = metadata.find(kState); state != metadata.end()) {
    checkpoint.state_ = reader.parse_json(state->get_ref<std::string const&>(), 64, "state");
  }
  return checkpoint;
}

std::pair<std::string, std::vector<Tensor const*>> Checkpoint::layout() const {
  // Larger elements first, so that every tensor is aligned, then by name: same contents, same file.
  std::vector<std::pair<std::string const*, Tensor const*>> order;
  for (auto const& [name, tensor] : tensors_) order.emplace_back(&name, &tensor);
  std::stable_sort(order.begin(), order.end(), [](auto const& a, auto const& b) {
    return size_of(a.second->dtype) > size_of(b.second->dtype);
  });
  nlohmann::ordered_json header;
  std::vector<Tensor const*> tensors;
  std::string text;
  try {
    header["__metadata__"] = {{kState, state_.dump()},
                              {kChecksumKey, "crc32c:" + std::string(kNoDigits)}};
    std::size_t offset = 0;
    for (auto const& [name, tensor] : order) {
      std::size_t const end = offset + tensor->bytes.size();
      header[*name] = {{"dtype", name_of(tensor->dtype)},
                       {"shape", tensor->shape},
                       {"data_offsets", {offset, end}}};
      offset = end;
      tensors.push_back(tensor);
    }
    text = header.dump();
  } catch (json::exception const&) {
    fail<IoError>(source_, ": a name or text in the state is not UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begins 8-byte aligned
  text = little_endian(text.size()) + text;
  std::uint32_t sum = crc32c(text);
  for (Tensor const* tensor : tensors) sum = crc32c(view(tensor->bytes), sum);
  text.replace(text.find(kChecksum) + kChecksum.size(), kNoDigits.size(), hex(sum));
  return {std::move(text), std::move(tensors)};
}

void Checkpoint::write(std::filesystem::path const& path) const {
  auto const [header, tensors] = layout();
  std::vector<std::string_view> pieces{header};
  for (Tensor const* tensor : tensors) pieces.push_back(view(tensor->bytes));
  write_whole(path, pieces);
}

std::string Checkpoint::bytes() const {
  auto [file, tensors] = layout();
  for (Tensor const* tensor : tensors) file += view(tensor->bytes);
  return file;
}

void Checkpoint::put(std::string const& name, Tensor tensor) {
  require(!name.empty() && name != "__metadata__", "checkpoint: a tensor cannot be called \"", name,
          "\"");
  std::size_t bytes = 0;
  require(bytes_of(tensor.dtype, tensor.shape, bytes) && bytes == tensor.bytes.size(),
          "checkpoint: tensor \"", name, "\" of shape ", shape_text(tensor.shape), " ",
          name_of(tensor.dtype), " has ", tensor.bytes.size(), " bytes");
  tensors_.insert_or_assign(name, std::move(tensor));
}

void Checkpoint::put_bytes(std::string const& name, DType dtype, void const* data, std::size_t n,
                           Shape shape) {
  if (shape.empty()) shape = {n};
  auto const* first = static_cast<std::byte const*>(data);
  put(name, Tensor{dtype, std::move(shape), {first, first + n * size_of(dtype)}});
}

std::int64_t Checkpoint::count_at(std::string const& name, std::string const& key,
                                  std::int64_t most) const {
  auto const part = state_at<json>(name);
  auto const found = part.is_object() ? part.find(key) : part.end();
  std::int64_t count = -1;
  if (found != part.end() && found->is_number_integer()) {
    auto const limit = static_cast<std::uint64_t>(most);
    bool const above = found->is_number_unsigned() && found->get<std::uint64_t>() > limit;
    if (!above) count = found->get<std::int64_t>();
  }
  require<IoError>(count >= 0 && count <= most, source_, ": state \"", name, ".", key,
                   "\" is missing or no integer from 0 to ", most);
  return count;
}

Tensor const& Checkpoint::tensor(std::string const& name) const {
  auto const found = tensors_.find(name);
  require<IoError>(found != tensors_.end(), source_, ": has no tensor \"", name, "\"");
  return found->second;
}

Tensor const& Checkpoint::checked(std::string const& name, DType dtype, Shape const& shape) const {
  Tensor const& t = tensor(name);
  require<IoError>(t.dtype == dtype, source_, ": tensor \"", name, "\" is ", name_of(t.dtype),
                   " (needs ", name_of(dtype), ")");
  require<IoError>(shape.empty() || t.shape == shape, source_, ": tensor \"", name, "\" has shape ",
                   shape_text(t.shape), " (needs ", shape_text(shape), ")");
  return t;
}

void Checkpoint::require_elements(std::string const& name, std::size_t found,
                                  std::size_t needed) const {
  require<IoError>(found == needed, source_, ": tensor \"", name, "\" has ", found,
                   " elements (needs ", needed, ")");
}

}  // namespace loom
