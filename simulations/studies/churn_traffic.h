#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "base/ids.h"
#include "simulations/world/world_watch.h"

namespace pixmesh::studies {

/// Counts the bytes that nodes fetch from each other, of images that were there before. Uploads and
/// what clients read are not among them.
class ChurnTraffic : public WorldWatch {
 public:
  void add(const Digest& image) { images_.insert(image); }

  [[nodiscard]] std::uint64_t moved_bytes() const { return moved_; }

  void on_step(std::uint32_t) override {}
  void on_record_changing(std::uint32_t, const VirtualDisk::Key&, const std::string&,
                          bool) override {}
  void on_crashed(std::uint32_t) override {}
  void on_sent(PartyId from, PartyId to, Plane plane, ByteView message) override;

 private:
  std::set<Digest> images_;
  std::map<StreamId, std::uint64_t> sizes_;  // of images, by the stream on which they come
  std::uint64_t moved_ = 0;
};

}  // namespace pixmesh::studies
