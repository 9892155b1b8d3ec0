#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace pixmesh {

/// Which work, and which images, have made their tool crash here, so that they are not tried again
/// and again: what has a weight of `refused_at` is refused for ten minutes, with what the tool said
/// last. What counts as a crash, and how much, the owner says (`CrashWeight`).
///
/// What failed goes by a key: that of a result, or `failure_key_of` an image and a recipe.
///
/// At most 1,000; the oldest is forgotten first. Not kept over a restart.
class FailedWork {
 public:
  struct Refusal {
    std::string text;  // how the tool ended, with its stderr
    Duration left{};   // so long is it refused
  };

  static constexpr std::uint32_t refused_at = 4;

  /// @param source  digest of the image
  /// @param weight  how much it counts; 0: nothing is remembered
  void on_crash(Instant now, const Digest& key, const Digest& source, std::uint32_t weight,
                const std::string& text);
  /// It has worked.
  void forget(const Digest& key) { failures_.erase(key); }
  /// Everything that was made of this source.
  void forget_source(const Digest& source);

  /// None: it may be tried.
  [[nodiscard]] std::optional<Refusal> refusal_of(Instant now, const Digest& key) const;
  /// Whether it is half way to a refusal here: then it is tried here, not elsewhere, so that all
  /// nodes together try it no more often than one. One limit that it met may be this node's own.
  [[nodiscard]] bool is_to_be_tried_here(Instant now, const Digest& key) const;
  [[nodiscard]] std::size_t count() const { return failures_.size(); }

 private:
  struct Failure {
    Digest source;
    std::uint32_t weight = 0;
    std::string text;
    Instant until;
  };
  std::map<Digest, Failure> failures_;
};

}  // namespace pixmesh
