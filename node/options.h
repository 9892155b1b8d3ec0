#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/signature.h"
#include "membership/liveness.h"
#include "membership/member_record.h"
#include "membership/mesh_settings.h"
#include "processing/lanes.h"
#include "processing/recipe_book.h"
#include "replication/collection.h"
#include "replication/scrub.h"
#include "ring/placement.h"

namespace pixmesh {

struct DiskDescription {
  std::array<std::uint8_t, 16> id{};
  std::uint64_t capacity_bytes = 0;
  std::string folder;  // as the operator named it
  bool gone = false;   // it was taken out of the running node; its number is not used again
};

/// What an operator decides about one node, and what belongs to its machine.
struct NodeOptions {
  SigningKey key;
  PublicKey link_key{};
  Endpoint control;  // where others reach this node
  Endpoint bulk;
  std::string zone;
  std::uint64_t capacity_bytes = 0;
  bool create = false;         // found a mesh if none is known
  MeshSettings founding;       // R, W, k of a mesh founded here
  std::vector<Endpoint> join;  // where to ask for a mesh
  bool hold = false;           // join, but take a place in the ring only when an operator says so
  bool asks_first = false;     // join, but hold itself back where it would be filled (JoinCheck)
  std::vector<DiskDescription> disks;
  std::string scratch_root;  // absolute; the `scratch` folder of disk 0
  std::string version;
  std::string sandbox;       // what is around tools, for people: "bwrap", "off"
  std::uint32_t shells = 2;  // beside images, at a time; 0: none
  LanesOptions lanes;
  LivenessOptions liveness;
  Scrub::Options scrub;
  TombstoneCollection::Options collection;
  /// Dead for that long, a member is evicted if the others agree; none: only an operator asks for
  /// it.
  std::optional<Duration> out_delay;
  /// How often the own record is signed anew, for others to know a later one than is in a state
  /// folder that was put back by more than that.
  Duration renew_every = 10min;
  Duration placement_delay = 300ms;  // member changes are gathered that long
  /// Away from the loop thread. A simulator keeps tables that many nodes ask for.
  std::function<PlacementTable(std::vector<PlacementMember>, const PlacementOptions&)>
      compute_placement = pixmesh::compute_placement;
  std::uint64_t result_cache_bytes = 1ULL << 30;  // of results that are kept; 0: none
  std::uint32_t ingress_chunks = 96;              // of 1 MiB, on their way into this node
};

/// What a node knew when it stopped: rows of its tables, as they were stored.
struct NodeMemory {
  TableRows facts;                    // of the state store
  TableRows hints;                    // of the state store
  std::vector<TableRows> lists;       // of each image disk
  std::vector<TableRows> disk_facts;  // of each image disk
  std::vector<TableRows> collected;   // of each image disk
};

}  // namespace pixmesh
