#include "simulations/checks/stored_copies.h"

#include "base/digest.h"
#include "wire/stored.h"

namespace pixmesh {

const VirtualDisk::Key& StoredCopies::key_of(const std::string& name) {
  const auto [place, fresh] = keys_.try_emplace(name);
  if (fresh) place->second = {scene_.world.partition_of_name(name), name_digest_of(name)};
  return place->second;
}

std::optional<ImageRecord> StoredCopies::record_of(std::uint32_t node, const std::string& name) {
  const VirtualDisk::Key& key = key_of(name);
  const auto& records = scene_.world.disk_of(node, key.first).records();
  const auto found = records.find(key);
  if (found == records.end()) return collected_at(node, name);
  Decoded& known = records_[{node, name}];
  if (known.stored != found->second.bytes) {
    known = {found->second.bytes, decode_record(found->second.bytes).value()};
  }
  return known.record;
}

std::optional<ImageRecord> StoredCopies::collected_at(std::uint32_t node, const std::string& name) {
  const VirtualDisk::Key& key = key_of(name);
  const std::uint64_t collected = scene_.world.stored_collected(node, key.first);
  if (collected == 0) return std::nullopt;
  const auto lists = scene_.world.stored_lists(node, key.first);
  if (!lists || !is_holder(*lists, scene_.world.id_of(node))) return std::nullopt;
  std::optional<ImageRecord> newest;
  for (std::uint32_t other = 0; other < scene_.world.node_count(); ++other) {
    for (const VirtualDisk* disk : scene_.world.disks(other)) {
      const auto& dropped = disk->dropped_tombstones();
      const auto found = dropped.find(key);
      if (found == dropped.end()) continue;
      auto record = decode_record(found->second).value();
      if (record.version.clock > collected) continue;
      if (!newest || newest->version < record.version) newest = std::move(record);
    }
  }
  return newest;
}

bool StoredCopies::has_bytes(std::uint32_t node, const ImageRecord& record) {
  if (record.tombstone) return true;
  const std::string path = blob_path(record.digest, record.media);
  const VirtualDisk& disk = scene_.world.disk_of(node, key_of(record.name).first);
  const SharedBytes bytes = disk.file(path);
  if (!bytes || !disk.is_durable(path)) return false;
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
    if (has(node, name, version)) holders.push_back(node);
  }
  return holders;
}

bool StoredCopies::has(std::uint32_t node, const std::string& name, const Version& version) {
  if (scene_.atlas.is_gone(node)) return false;
  const auto record = record_of(node, name);
  if (!record || record->version < version) return false;
  return has_bytes(node, *record) || scene_.world.is_lost(blob_path(record->digest, record->media));
}

bool StoredCopies::is_lost(const std::string& name, const Version& version) {
  for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
    if (scene_.atlas.is_gone(node)) continue;
    const auto record = record_of(node, name);
    if (!record || record->tombstone || record->version < version) continue;
    if (scene_.world.is_lost(blob_path(record->digest, record->media))) return true;
  }
  return false;
}

bool StoredCopies::is_anywhere(const std::string& name, const Version& version) {
  const auto last = last_seen_at_.find(name);
  if (last != last_seen_at_.end() && has(last->second, name, version)) return true;
  for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
    if (!has(node, name, version)) continue;
    last_seen_at_[name] = node;
    return true;
  }
  return false;
}

}  // namespace pixmesh
