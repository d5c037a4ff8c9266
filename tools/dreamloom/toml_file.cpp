#include <tools/dreamloom/toml_file.hpp>

#include <toml++/toml.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <kernels/core/error.hpp>
#include <learn/core/text.hpp>
#include <optional>
#include <sstream>

namespace loom {
namespace {

std::string at(std::string const& shown, toml::source_region const& region) {
  return shown + ":" + std::to_string(region.begin.line);
}

/// A node without tables inside as a setting's value; nothing when no setting is like that.
std::optional<SettingValue> value_of(toml::node const& node) {
  if (auto const* v = node.as_boolean()) return v->get();
  if (auto const* v = node.as_integer()) return v->get();
  if (auto const* v = node.as_floating_point()) return v->get();
  if (auto const* v = node.as_string()) return v->get();
  auto const* array = node.as_array();
  if (array == nullptr) return {};
  std::vector<std::int64_t> wholes;
  std::vector<double> reals;
  for (toml::node const& element : *array) {
    if (!element.is_number()) return {};
    if (auto const whole = element.value_exact<std::int64_t>()) wholes.push_back(*whole);
    reals.push_back(*element.value<double>());
  }
  if (wholes.size() == reals.size()) return wholes;
  return reals;
}

constexpr int kMaxDepth = 8;

void flatten(toml::table const& table, std::string const& prefix, int depth,
             std::string const& shown, std::vector<TomlEntry>& entries) {
  for (auto const& [key, node] : table) {
    std::string const name = prefix + std::string(key.str());
    if (auto const* inner = node.as_table()) {
      require<ConfigError>(depth < kMaxDepth, at(shown, node.source()), ": unknown key \"", name,
                           " ...\" (no setting's name is so deep)");
      flatten(*inner, name + ".", depth + 1, shown, entries);
      continue;
    }
    std::string const source = at(shown, node.source());
    auto value = value_of(node);
    require<ConfigError>(value.has_value(), source, ": ", name,
                         " is no setting's value (needs true or false, a number, text or a list "
                         "of numbers)");
    entries.push_back({name, std::move(*value), source});
  }
}

std::vector<double> numbers_of(toml::node const& node, std::string const& name,
                               std::string const& source) {
  if (auto const one = node.value<double>(); one && node.is_number()) return {*one};
  std::vector<double> numbers;
  toml::array const* array = node.as_array();
  bool fits = array != nullptr;
  if (fits) {
    for (toml::node const& element : *array) {
      fits = fits && element.is_number();
      if (fits) numbers.push_back(*element.value<double>());
    }
  }
  require<ConfigError>(fits, source, ": parameters.", name,
                       " (needs a number or { uniform = [low, high] }, log_uniform, "
                       "{ normal = [mean, sd] })");
  return numbers;
}

std::vector<ParameterRule> rules_of(toml::table const& table, std::string const& shown) {
  std::vector<ParameterRule> rules;
  for (auto const& [key, node] : table) {
    std::string const name(key.str()), source = at(shown, node.source());
    if (auto const* inner = node.as_table()) {
      require<ConfigError>(inner->size() == 1, source, ": parameters.", name, " has ",
                           inner->size(), " distributions (needs one)");
      auto const only = inner->begin();  // kept: what it points to lies inside the iterator
      rules.push_back(make_rule(name, std::string(only->first.str()),
                                numbers_of(only->second, name, source), source));
    } else {
      rules.push_back(make_rule(name, "", numbers_of(node, name, source), source));
    }
  }
  return rules;
}

/// "# text" at the top of the file.
std::string first_comment(std::string const& text) {
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  auto const begin = line.find_first_not_of("# ");
  if (line.empty() || line[0] != '#' || begin == std::string::npos) return "";
  return line.substr(begin);
}

// The parser's tables are built and destroyed by recursion, and a key a.a.a ... nests as deep as it has
// dots: these limits keep the stack whole. 1024 parameters with ranges take 3072 dots.
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr std::ptrdiff_t kMaxDots = 4096;

void check_size(std::string const& text, std::string const& shown) {
  require<ConfigError>(text.size() <= kMaxBytes, shown, ": ", text.size(), " bytes (at most ",
                       kMaxBytes, ")");
  auto const dots = std::count(text.begin(), text.end(), '.');
  require<ConfigError>(dots <= kMaxDots, shown, ": ", dots, " dots (at most ", kMaxDots, ")");
}

}  // namespace

TomlFile parse_toml(std::string const& text, std::string const& shown) {
  check_size(text, shown);
  TomlFile file;
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (toml::parse_error const& e) {
    fail<ConfigError>(at(shown, e.source()), ": ", e.description());
  }
  if (toml::node const* parameters = table.get("parameters")) {
    require<ConfigError>(parameters->is_table(), at(shown, parameters->source()),
                         ": parameters is no table (needs [parameters])");
    file.parameters = rules_of(*parameters->as_table(), shown);
    table.erase("parameters");
  }
  flatten(table, "", 0, shown, file.entries);
  file.summary = first_comment(text);
  return file;
}

TomlFile read_toml(std::filesystem::path const& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  errno = 0;
  if (stream) text << stream.rdbuf();
  require<ConfigError>(stream.good() && text.good(), path.string(), ": cannot be read (",
                       errno != 0 ? std::strerror(errno) : "no contents", ")");
  return parse_toml(text.str(), path.string());
}

}  // namespace loom
