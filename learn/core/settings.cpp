#include <kernels/core/names.hpp>
#include <learn/core/settings.hpp>
#include <learn/core/text.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <concepts>
#include <optional>

namespace loom {
namespace {

template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<std::vector<T>> = true;

template <class T>
concept Whole = std::integral<T> && !std::same_as<T, bool>;

// TOML integers are 64-bit signed: a larger seed could be set, but not read back from config.toml.
template <Whole T>
constexpr std::int64_t highest() {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(
      static_cast<std::uint64_t>(std::numeric_limits<T>::max()),
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
}
template <Whole T>
constexpr std::int64_t lowest() {
  return static_cast<std::int64_t>(std::numeric_limits<T>::min());
}

/// Compared in T: 0.99F must not exceed a limit of 0.99.
template <class T>
bool in_range(T value, Allowed const& a) {
  auto const limit = [](double x) {
    if constexpr (std::same_as<T, float>) {
      return static_cast<float>(x);
    } else {
      return x;
    }
  };
  auto const v = static_cast<decltype(limit(0))>(value);
  bool const above_low = a.low_open ? v > limit(a.low) : v >= limit(a.low);
  bool const below_high = a.high_open ? v < limit(a.high) : v <= limit(a.high);
  return above_low && below_high;
}

// Conversion of a recipe's value to a variable's type; nothing when it does not fit.
template <Whole T>
std::optional<T> convert(std::int64_t v, Allowed const& a) {
  if (v < lowest<T>() || v > highest<T>() || !in_range(static_cast<T>(v), a)) return {};
  return static_cast<T>(v);
}
template <Whole T>
std::optional<T> convert(double v, Allowed const& a) {
  // Beyond 2^53 a double no longer says which integer was meant.
  if (std::rint(v) != v || std::abs(v) > 9007199254740992.0) return {};
  return convert<T>(static_cast<std::int64_t>(v), a);
}
template <std::floating_point T>
std::optional<T> convert(double v, Allowed const& a) {
  auto const narrow = static_cast<T>(v);
  if (!std::isfinite(narrow) || !in_range(narrow, a)) return {};
  return narrow;
}
template <std::floating_point T>
std::optional<T> convert(std::int64_t v, Allowed const& a) {
  return convert<T>(static_cast<double>(v), a);
}

/// Stores the value when type and range fit.
template <class T, class V>
bool store(T& variable, V const& value, Allowed const& allowed) {
  if constexpr (std::same_as<T, bool> || std::same_as<V, bool>) {
    if constexpr (std::same_as<T, V>) return variable = value, true;
  } else if constexpr (std::same_as<T, std::string> || std::same_as<V, std::string>) {
    if constexpr (std::same_as<T, V>) {
      auto const& words = allowed.words;
      if (!words.empty() && std::find(words.begin(), words.end(), value) == words.end()) {
        return false;
      }
      variable = value;
      return true;
    }
  } else if constexpr (is_list<T> && is_list<V>) {
    T list;
    for (auto const element : value) {
      auto const converted = convert<typename T::value_type>(element, allowed);
      if (!converted) return false;
      list.push_back(*converted);
    }
    variable = std::move(list);
    return true;
  } else if constexpr (!is_list<T> && !is_list<V>) {
    auto const converted = convert<T>(value, allowed);
    if (converted) variable = *converted;
    return converted.has_value();
  }
  return false;  // a list for a number, text for a bool, …
}

template <class T>
bool assign(T& variable, SettingValue const& value, Allowed const& allowed) {
  return std::visit([&](auto const& v) { return store(variable, v, allowed); }, value);
}

/// A variable's value as a recipe would hold it; what TOML cannot hold comes out negative.
SettingValue as_value(bool v) { return v; }
SettingValue as_value(Whole auto v) { return static_cast<std::int64_t>(v); }
SettingValue as_value(std::floating_point auto v) { return double{v}; }
SettingValue as_value(std::string const& v) { return v; }
SettingValue as_value(std::vector<int> const& v) {
  return std::vector<std::int64_t>(v.begin(), v.end());
}
SettingValue as_value(std::vector<float> const& v) {
  return std::vector<double>(v.begin(), v.end());
}

/// An integer or a double, with TOML's underscores between digits.
std::optional<SettingValue> parse_number(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const between_digits = text[i] == '_' && i > 0 && i + 1 < text.size() &&
                                std::isdigit(static_cast<unsigned char>(text[i - 1])) &&
                                std::isdigit(static_cast<unsigned char>(text[i + 1]));
    if (!between_digits) digits += text[i];
  }
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.erase(0, 1);
  char const *const first = digits.data(), *const last = first + digits.size();
  std::int64_t whole = 0;
  if (auto const r = std::from_chars(first, last, whole); r.ec == std::errc{} && r.ptr == last) {
    return whole;
  }
  double real = 0;
  if (auto const r = std::from_chars(first, last, real); r.ec == std::errc{} && r.ptr == last) {
    return real;
  }
  return {};
}

std::string_view trimmed(std::string_view text) {
  auto const blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<SettingValue> parse_list(std::string_view text) {
  text = trimmed(text);
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    text = trimmed(text.substr(1, text.size() - 2));
  }
  std::vector<std::int64_t> wholes;
  std::vector<double> reals;
  while (!text.empty()) {
    auto const comma = std::min(text.find(','), text.size());
    auto const number = parse_number(trimmed(text.substr(0, comma)));
    if (!number) return {};
    if (auto const* whole = std::get_if<std::int64_t>(&*number)) {
      wholes.push_back(*whole);
      reals.push_back(static_cast<double>(*whole));
    } else {
      reals.push_back(std::get<double>(*number));
    }
    if (comma + 1 == text.size()) return {};  // a comma with nothing behind it
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  if (wholes.size() == reals.size()) return wholes;
  return reals;
}

/// Text as the value that the variable's type calls for; nothing when it cannot be read as one.
template <class T>
std::optional<SettingValue> parse(std::string const& text) {
  if constexpr (std::same_as<T, std::string>) {
    return text;
  } else if constexpr (std::same_as<T, bool>) {
    if (text == "true") return true;
    if (text == "false") return false;
    return {};
  } else if constexpr (is_list<T>) {
    return parse_list(text);
  } else {
    return parse_number(trimmed(text));
  }
}

std::string with_point(std::string const& text) {
  bool const is_float = text.find_first_of(".en") != std::string::npos;  // "n": nan, inf
  return is_float ? text : text + ".0";
}

std::string toml_text(bool v) { return v ? "true" : "false"; }
std::string toml_text(double v) { return with_point(shortest(v)); }
std::string toml_text(float v) {
  char text[32];
  std::string shortest_float(text, std::to_chars(text, text + sizeof text, v).ptr);
  // Readers go through double; where the second rounding would show, the double's digits do.
  double back = 0;
  std::from_chars(shortest_float.data(), shortest_float.data() + shortest_float.size(), back);
  return static_cast<float>(back) == v ? with_point(shortest_float) : toml_text(double{v});
}
std::string toml_text(Whole auto v) { return std::to_string(v); }
std::string toml_text(std::string const& v) { return toml_quoted(v); }
template <class T>
std::string toml_text(std::vector<T> const& list) {
  std::string text = "[";
  for (T const v : list) text += (text.size() > 1 ? ", " : "") + toml_text(v);
  return text + "]";
}

std::string toml_text(SettingValue const& value) {
  return std::visit([](auto const& v) { return toml_text(v); }, value);
}

std::string range_text(double low, double high, Allowed const& a) {
  bool const has_low = std::isfinite(low), has_high = std::isfinite(high);
  if (has_low && has_high && !a.low_open) {
    return " from " + shortest(low) + (a.high_open ? " to below " : " to ") + shortest(high);
  }
  std::string text;
  if (has_low) text = (a.low_open ? " above " : " of at least ") + shortest(low);
  if (has_high) {
    text += (has_low ? " and" : "") + std::string(a.high_open ? " below " : " of at most ") +
            shortest(high);
  }
  return text;
}

template <class T>
std::string needs_text(Allowed const& a) {
  if constexpr (std::same_as<T, bool>) {
    return "true or false";
  } else if constexpr (std::same_as<T, std::string>) {
    if (a.words.empty()) return "text";
    std::string text = "one of";
    for (auto const& word : a.words) text += (&word == a.words.data() ? " " : ", ") + word;
    return text;
  } else if constexpr (is_list<T>) {
    std::string const each = needs_text<typename T::value_type>(a);
    return "a list, each " + each;
  } else if constexpr (Whole<T>) {
    // The type's own limits are worth a word only where they bind before what one would try.
    double low = a.low, high = a.high;
    if constexpr (std::unsigned_integral<T>) low = std::max(low, 0.0);
    if (sizeof(T) == 4 && std::isinf(high)) {
      high = highest<T>();
      if (std::isinf(low)) low = lowest<T>();
    }
    return "an integer" + range_text(low, high, a);
  } else {
    return "a number" + range_text(a.low, a.high, a);
  }
}

}  // namespace

std::string Settings::Key::type() const {
  static constexpr char const* names[] = {"bool",   "integer", "integer",  "integer", "number",
                                          "number", "text",    "integers", "numbers"};
  static_assert(std::size(names) == std::variant_size_v<Variable>);
  return names[variable.index()];
}

std::string Settings::Key::needs() const {
  return std::visit([&]<class T>(T*) { return needs_text<T>(allowed); }, variable);
}

std::string Settings::Key::text() const {
  return std::visit([](auto const* v) { return toml_text(*v); }, variable);
}

void Settings::bind(Key key) {
  for (Key const& other : keys_) {
    require<ConfigError>(other.full_name() != key.full_name(), "settings: the key ",
                         key.full_name(), " is there twice");
  }
  key.default_text = key.text();
  // A default goes through the same gate as everything else.
  bool const fits = std::visit(
      [&](auto* variable) { return assign(*variable, as_value(*variable), key.allowed); },
      key.variable);
  require<ConfigError>(fits, "default: ", key.full_name(), " = ", key.default_text, " (needs ",
                       key.needs(), ")");
  keys_.push_back(std::move(key));
}

void Settings::add(Settings const& other, std::string const& section) {
  for (Key key : other.keys_) {
    if (key.section.empty()) key.section = section;
    bind(std::move(key));
  }
}

Settings::Key const* Settings::find(std::string const& name) const {
  Key const* short_match = nullptr;
  int matches = 0;
  for (Key const& key : keys_) {
    if (key.full_name() == name) return &key;
    if (key.name == name) {
      short_match = &key;
      ++matches;
    }
  }
  return matches == 1 ? short_match : nullptr;
}

void Settings::unknown(std::string const& name, std::string const& source) const {
  std::vector<std::string> same, names;
  for (Key const& key : keys_) {
    if (key.name == name) same.push_back(key.full_name());
    names.push_back(key.full_name());
    if (!key.section.empty()) names.push_back(key.name);
  }
  if (!same.empty()) {
    std::string list;
    for (auto const& s : same) list += (list.empty() ? "" : " or ") + s;
    fail<ConfigError>(source, ": key \"", name, "\" without its table (needs ", list, ")");
  }
  std::string const near = nearest(name, names);
  fail<ConfigError>(source, ": unknown key \"", name, "\" (",
                    near.empty() ? "--help lists the keys" : "did you mean \"" + near + "\"?", ")");
}

void Settings::set(std::string const& name, SettingValue const& value, std::string const& source) {
  Key const* key = find(name);
  if (key == nullptr || key->full_name() != name) unknown(name, source);
  bool const fits = std::visit(
      [&](auto* variable) { return assign(*variable, value, key->allowed); }, key->variable);
  require<ConfigError>(fits, source, ": ", name, " = ", toml_text(value), " (needs ", key->needs(),
                       ")");
}

void Settings::set_text(std::string const& name, std::string const& text,
                        std::string const& source) {
  Key const* key = find(name);
  if (key == nullptr) unknown(name, source);
  bool const fits = std::visit(
      [&]<class T>(T* variable) {
        auto const value = parse<T>(text);
        return value && assign(*variable, *value, key->allowed);
      },
      key->variable);
  bool const plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isgraph(c) != 0;
  });
  require<ConfigError>(fits, source, ": ", name, " = ", plain ? text : toml_quoted(text),
                       " (needs ", key->needs(), ")");
}

std::string Settings::toml() const {
  // Top-level keys come first: behind a [table] header they would belong to it.
  std::vector<std::string> sections{""};
  for (Key const& key : keys_) {
    if (std::find(sections.begin(), sections.end(), key.section) == sections.end()) {
      sections.push_back(key.section);
    }
  }
  std::string text;
  for (auto const& section : sections) {
    if (!section.empty()) text += (text.empty() ? "[" : "\n[") + section + "]\n";
    for (Key const& key : keys_) {
      if (key.section == section) text += key.name + " = " + key.text() + "\n";
    }
  }
  return text;
}

std::string Settings::help() const {
  std::size_t width = 0;
  for (Key const& key : keys_) {
    width = std::max(width, key.full_name().size() + key.default_text.size());
  }
  std::string text;
  for (Key const& key : keys_) {
    std::string const left = key.full_name() + " " + key.default_text;
    text += "  --" + left + std::string(width + 1 - left.size() + 2, ' ') + key.help + " (" +
            key.needs() + ")\n";
  }
  return text;
}

}  // namespace loom
