#include "replication/admit.h"

namespace pixmesh {

CommitCode admit(const std::optional<Version>& stored, const Version& incoming,
                 const std::optional<HolderLists>& lists, const std::optional<HolderLists>& fence,
                 std::uint64_t collected) {
  if (fence && fence != lists) return CommitCode::stale;
  if (fence && !stored && incoming.clock <= collected) return CommitCode::late;
  if (!stored || *stored < incoming) return CommitCode::stored;
  return *stored == incoming ? CommitCode::already : CommitCode::superseded;
}

}  // namespace pixmesh
