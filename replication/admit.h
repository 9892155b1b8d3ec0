#pragma once

#include <optional>

#include "replication/holder_lists.h"
#include "replication/record.h"

namespace pixmesh {

/// What a holder says to a commit. The values go over the wire: append only.
enum class CommitCode : std::uint8_t {
  stored = 1,      // now durable here
  already = 2,     // this very version was durable here before
  superseded = 3,  // a newer version is durable here; the write counts and loses
  stale = 4,       // the asker's lists are not this holder's; nothing was stored
  failed = 5,      // the disk said no
  late = 6,        // nothing is here, and what deleted the name may be collected; not stored
  no_space = 7,    // the disk has no room for it
};

[[nodiscard]] constexpr bool is_durable(CommitCode code) {
  return code == CommitCode::stored || code == CommitCode::already ||
         code == CommitCode::superseded;
}

/// The one rule by which a record enters a disk. Called inside the disk's write transaction, so
/// that nothing can change between the question and the write.
///
/// @param stored    the version now there, if any
/// @param incoming  the version offered
/// @param lists     the partition's lists as this disk persisted them, if any
/// @param fence     the lists the asker used; none for a copy of a version that is already
///                  acknowledged elsewhere (pull, hint, repair), which no list can make wrong
/// @param collected the clock up to which tombstones of the partition may be gone. Every write
///                  whose coordinator has heard of it is later.
[[nodiscard]] CommitCode admit(const std::optional<Version>& stored, const Version& incoming,
                               const std::optional<HolderLists>& lists,
                               const std::optional<HolderLists>& fence,
                               std::uint64_t collected = 0);

}  // namespace pixmesh
