#pragma once
// Small damages to the bytes of a file, the same ones for the same seed.
#include <cctype>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace loom {

/// Makes variants of seeds: bits flipped, pieces lost, doubled, put elsewhere or taken from another seed, numbers
/// replaced by such as readers trip over, words of the format put in.
class Mutator {
 public:
  Mutator(std::vector<std::string> seeds, std::vector<std::string> words, std::uint64_t seed)
      : seeds_(std::move(seeds)), words_(std::move(words)), random_(seed) {}

  std::string next() {
    std::string bytes = seeds_[below(seeds_.size())];
    for (std::size_t i = 1 + below(4); i > 0; --i) damage(bytes);
    return bytes;
  }

 private:
  std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random_() % n); }

  /// A short piece more often than a long one.
  std::string piece(std::string const& from) {
    std::size_t const begin = below(from.size());
    return from.substr(begin, 1 + below(below(2) == 0 ? 16 : from.size()));
  }

  void damage(std::string& bytes) {
    std::size_t const at = below(bytes.size());
    switch (below(8)) {
      case 0:
        if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        if (!bytes.empty()) bytes[at] = static_cast<char>(below(256));
        break;
      case 2:
        bytes.erase(at, piece(bytes).size());
        break;
      case 3:
        bytes.insert(at, piece(bytes));
        break;
      case 4:
        bytes.insert(at, piece(seeds_[below(seeds_.size())]));
        break;
      case 5:
        if (!words_.empty()) bytes.insert(at, words_[below(words_.size())]);
        break;
      default:
        replace_number(bytes, at);
    }
  }

  /// The next number behind `at`.
  void replace_number(std::string& bytes, std::size_t at) {
    static std::vector<std::string> const numbers{"0",
                                                  "-1",
                                                  "1",
                                                  "255",
                                                  "4294967296",
                                                  "2147483647",
                                                  "-2147483648",
                                                  "9223372036854775807",
                                                  "18446744073709551615",
                                                  "1e300",
                                                  "-1e-320",
                                                  "nan",
                                                  "inf",
                                                  "0.5",
                                                  "null",
                                                  "[]",
                                                  "\"\""};
    auto const digit = [&](std::size_t i) {
      return std::isdigit(static_cast<unsigned char>(bytes[i])) != 0;
    };
    while (at < bytes.size() && !digit(at)) ++at;
    std::size_t end = at;
    while (end < bytes.size() && digit(end)) ++end;
    if (end > at) bytes.replace(at, end - at, numbers[below(numbers.size())]);
  }

  std::vector<std::string> seeds_, words_;
  std::mt19937_64 random_;
};

}  // namespace loom
