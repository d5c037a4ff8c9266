#pragma once
// One table of settings behind recipes (TOML), command-line overrides, --help and validation.
#include <cstdint>
#include <kernels/core/error.hpp>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace loom {

/// What a key accepts: a range for numbers (for lists: for each element), a choice of words for
/// text.
struct Allowed {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;
  std::vector<std::string> words;
};

/// low <= value <= high
inline Allowed between(double low, double high) { return {low, high, false, false, {}}; }
/// low < value < high
inline Allowed inside(double low, double high) { return {low, high, true, true, {}}; }
/// low <= value < high, for instance a discount that must stay below 1
inline Allowed from_to_below(double low, double high) { return {low, high, false, true, {}}; }
inline Allowed at_least(double low) { return between(low, Allowed{}.high); }
inline Allowed at_most(double high) { return between(Allowed{}.low, high); }
inline Allowed above(double low) { return inside(low, Allowed{}.high); }
inline Allowed one_of(std::vector<std::string> words) {
  Allowed allowed;
  allowed.words = std::move(words);
  return allowed;
}

/// A typed value as a recipe holds it.
using SettingValue = std::variant<bool, std::int64_t, double, std::string,
                                  std::vector<std::int64_t>, std::vector<double>>;

/// Named variables of someone else, in the order in which they were declared. A Config binds its
/// members; the variables must outlive every copy of the table.
///
///   void Ppo::Config::keys(Settings& s) {
///     s.key("gamma", gamma, "discount", between(0, 1));
///     s.key("hidden", hidden, "widths of the hidden layers", between(1, 256));
///   }
///
/// Errors  ConfigError in one line: source, key, what was given, what is allowed.
class Settings {
 public:
  using Variable = std::variant<bool*, int*, std::int64_t*, std::uint64_t*, float*, double*,
                                std::string*, std::vector<int>*, std::vector<float>*>;
  struct Key {
    std::string section, name;  ///< section is empty at top level
    Variable variable;
    std::string help;
    Allowed allowed;
    std::string default_text;  ///< as TOML

    std::string full_name() const { return section.empty() ? name : section + "." + name; }
    std::string type() const;   ///< "bool", "integer", "number", "text", "integers", "numbers"
    std::string needs() const;  ///< "a number from 0 to 1"
    std::string text() const;   ///< the variable's value now, as TOML
  };

  /// Binds a variable whose value now is the default. Throws ConfigError when the name is taken or
  /// the default is not allowed.
  template <class T>
  void key(std::string name, T& variable, std::string help, Allowed allowed = {}) {
    static_assert(std::is_constructible_v<Variable, T*>, "a type that no setting can have");
    bind({section_, std::move(name), &variable, std::move(help), std::move(allowed), {}});
  }

  /// Keys bound from here on belong to the TOML table [name]; "" goes back to the top level.
  void section(std::string name) { section_ = std::move(name); }

  /// Appends the keys of another table. Those without a section get the given one.
  void add(Settings const& other, std::string const& section = "");

  /// The key with this full name, or else the only one whose name without its section it is;
  /// nullptr when there is none or more than one.
  Key const* find(std::string const& name) const;
  std::vector<Key> const& keys() const { return keys_; }

  /// From a recipe: full names only. Whole numbers may be written as floats (1e6).
  void set(std::string const& name, SettingValue const& value, std::string const& source);
  /// From text: lists as "64,64" or "[64, 64]", numbers also as 1e6 and 1_000_000. The section may
  /// be left out of the name when that is unambiguous.
  void set_text(std::string const& name, std::string const& text,
                std::string const& source = "command line");

  /// Every value as TOML, in table order; reading it back gives the same bits.
  std::string toml() const;
  /// One line a key: "  --gamma 0.99  discount (a number from 0 to 1)".
  std::string help() const;

 private:
  void bind(Key key);
  [[noreturn]] void unknown(std::string const& name, std::string const& source) const;

  std::vector<Key> keys_;
  std::string section_;
};

}  // namespace loom
