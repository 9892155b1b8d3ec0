#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace pixmesh {

/// Which work has made its tool crash here, so that it is not tried again and again: after two
/// crashes it is refused for ten minutes, with what the tool said last.
///
/// A crash is an end by a signal or by a limit. A tool that ends with a status has refused the
/// image in its own words, which costs little; that is not remembered.
///
/// At most 1,000; the oldest is forgotten first. Not kept over a restart.
class FailedWork {
 public:
  struct Refusal {
    std::string text;  // how the tool ended, with its stderr
    Duration left{};   // so long is it refused
  };

  void on_crash(Instant now, const Digest& key, const Digest& source, std::string text);
  /// It has worked.
  void forget(const Digest& key) { failures_.erase(key); }
  /// Everything that was made of this source.
  void forget_source(const Digest& source);

  /// None: it may be tried.
  [[nodiscard]] std::optional<Refusal> refusal_of(Instant now, const Digest& key) const;
  /// Whether it has crashed here a moment ago, once at least: then it is tried here, not elsewhere.
  [[nodiscard]] bool knows(Instant now, const Digest& key) const;
  [[nodiscard]] std::size_t count() const { return failures_.size(); }

 private:
  struct Failure {
    Digest source;
    std::uint32_t crashes = 0;
    std::string text;
    Instant until;
  };
  std::map<Digest, Failure> failures_;
};

}  // namespace pixmesh
