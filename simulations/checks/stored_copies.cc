#include "simulations/checks/stored_copies.h"

#include "base/digest.h"
#include "wire/stored.h"

namespace pixmesh {

std::optional<ImageRecord> StoredCopies::record_of(std::uint32_t node, const std::string& name) {
  const auto& records = scene_.world.disk(node).records();
  const auto found = records.find({scene_.world.partition_of_name(name), name_digest_of(name)});
  if (found == records.end()) return std::nullopt;
  Decoded& known = records_[{node, name}];
  if (known.stored != found->second.bytes) {
    known = {found->second.bytes, decode_record(found->second.bytes).value()};
  }
  return known.record;
}

bool StoredCopies::has_bytes(std::uint32_t node, const ImageRecord& record) {
  if (record.tombstone) return true;
  const std::string path = blob_path(record.digest, record.media);
  const SharedBytes bytes = scene_.world.disk(node).file(path);
  if (!bytes || !scene_.world.disk(node).is_durable(path)) return false;
  SharedBytes& intact = intact_[{node, path}];
  if (intact == bytes) return true;
  if (digest_of(*bytes) != record.digest) return false;
  intact = bytes;
  return true;
}

std::vector<std::uint32_t> StoredCopies::holders_of(const std::string& name,
                                                    const Version& version) {
  std::vector<std::uint32_t> holders;
  for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
    if (scene_.atlas.is_gone(node)) continue;
    const auto record = record_of(node, name);
    if (record && record->version >= version && has_bytes(node, *record)) holders.push_back(node);
  }
  return holders;
}

}  // namespace pixmesh
