#include <algorithm>
#include <cctype>
#include <kernels/core/names.hpp>

namespace loom {
namespace {

/// Levenshtein distance, letter case ignored.
std::size_t edit_distance(std::string const& a, std::string const& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      bool const same = std::tolower(static_cast<unsigned char>(a[i - 1])) ==
                        std::tolower(static_cast<unsigned char>(b[j - 1]));
      std::size_t const replaced = diagonal + (same ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

/// What somebody typed, fit for a message of one line.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = '?';
  }
  return text;
}

}  // namespace

std::string nearest(std::string const& name, std::vector<std::string> const& candidates) {
  // A third of the letters may be wrong; beyond that a suggestion is a guess.
  std::size_t best = std::max<std::size_t>(name.size() / 3, 2) + 1;
  std::string found;
  for (auto const& candidate : candidates) {
    std::size_t const distance = edit_distance(name, candidate);
    if (distance < best && distance < candidate.size()) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string unknown_name(std::string const& kind, std::string const& name,
                         std::vector<std::string> const& candidates) {
  std::string const head = "unknown " + kind + " " + "\"" + one_line(name) + "\"";
  std::string const near = nearest(name, candidates);
  if (!near.empty()) return head + " (did you mean \"" + near + "\"?)";
  std::string list;
  for (auto const& candidate : candidates) list += (list.empty() ? "" : ", ") + candidate;
  return head + " (there " + (list.empty() ? "is none" : "are: " + list) + ")";
}

}  // namespace loom
