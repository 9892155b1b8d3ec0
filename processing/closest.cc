#include "processing/closest.h"

#include <algorithm>
#include <vector>

namespace pixmesh {
namespace {

constexpr std::size_t letters_max = 64;  // longer words are not misspelt names

/// Optimal string alignment distance (Damerau 1964), three rows of the table at a time.
std::size_t distance_of(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({changed, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::string> closest_name(std::string_view word,
                                        std::span<const std::string> candidates) {
  if (word.empty() || word.size() > letters_max) return std::nullopt;
  std::size_t nearest = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::optional<std::string> found;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > letters_max) continue;
    const std::size_t distance = distance_of(word, candidate);
    if (distance >= nearest) continue;
    nearest = distance;
    found = candidate;
  }
  return found;
}

std::string suggestion(std::string_view word, std::span<const std::string> candidates) {
  const std::optional<std::string> near = closest_name(word, candidates);
  return near ? "; did you mean '" + *near + "'?" : std::string();
}

std::string join_names(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string shown(std::string_view typed) {
  std::string text;
  for (const char c : typed.substr(0, letters_max)) text += c >= ' ' && c <= '~' ? c : '?';
  return typed.size() > letters_max ? text + "..." : text;
}

}  // namespace pixmesh
