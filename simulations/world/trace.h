#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/events.h"

namespace pixmesh {

struct LoggedEvent {
  Instant at;
  std::uint32_t node = 0;
  std::string name;
  std::string fields;  // "key=value key=value"
};

/// What happened, in order: a running digest of everything, and the last of it for people.
class Trace {
 public:
  /// An event on its way into a node.
  void add(Instant at, std::uint32_t node, const HostEvent& event);
  /// Anything else that must be the same in every run.
  void add(Instant at, std::uint32_t node, std::uint64_t what);

  /// Tells every event as a line, as it happens.
  void tell(std::function<void(const std::string&)> told) { told_ = std::move(told); }

  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// The last events of a node, oldest first, as lines for people.
  [[nodiscard]] std::vector<std::string> last_of(std::uint32_t node) const;

 private:
  struct Entry {
    Instant at;
    std::string_view kind;
    Bytes message;  // of a message that arrived
    Plane plane = Plane::control;
    std::uint64_t link = 0;
  };
  [[nodiscard]] static std::string line_of(std::uint32_t node, const Entry& entry);
  void mix(std::uint64_t value);
  void keep(std::uint32_t node, Entry entry);

  std::uint64_t digest_ = 0;
  std::uint64_t count_ = 0;
  std::map<std::uint32_t, std::deque<Entry>> last_;
  std::function<void(const std::string&)> told_;
};

}  // namespace pixmesh
