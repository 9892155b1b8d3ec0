#pragma once

#include <map>
#include <optional>

#include "replication/record.h"

namespace pixmesh {

/// Remembers at a holder which versions writers have taken for a name, from when they ask what is
/// there until long after they are done. Whoever asks later is told, and takes one above: a write
/// that its client gave up for another try is then ordered before that try, however far ahead the
/// clock was that it began with. Like the promise of a ballot (Lamport 1998, "The Part-Time
/// Parliament", section 2.3), but in memory, and it forbids nothing.
///
/// What is taken within `settles_after` of one another is told to nobody meanwhile: writes that
/// begin at one time may come in either order, and would make one another begin anew.
class VersionFloors {
 public:
  struct Options {
    Duration settles_after = 100ms;
    Duration kept_for = 10min;       // at least; an upload takes less
    std::size_t names_max = 50'000;  // in each of two generations; beyond it they are kept shorter
  };
  VersionFloors() : VersionFloors(Options{}) {}
  explicit VersionFloors(Options options) : options_(options) {}

  /// @param version  that the asker has taken; none: it has not yet
  /// @returns the newest that was taken before; clock 0: none
  [[nodiscard]] Version ask(Instant now, const NameDigest& name, std::optional<Version> version);

 private:
  struct Taken {
    Version settled;
    Version fresh;
    Instant fresh_since;
  };

  void begin_generation_if_due(Instant now);

  Options options_;
  std::map<NameDigest, Taken> names_;
  std::map<NameDigest, Taken> older_;
  Instant begun_at_;
};

}  // namespace pixmesh
