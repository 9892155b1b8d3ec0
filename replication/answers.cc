#include "replication/answers.h"

#include <algorithm>

#include "base/digest.h"
#include "replication/collected.h"
#include "replication/request_memory.h"

namespace pixmesh {
namespace {

constexpr std::size_t inventory_bytes_max = 512U << 10;

std::size_t weight_of(const ImageRecord& record) {
  return 256 + record.name.size() + 8 * record.checksums.size() + 64 * record.tags.size();
}

}  // namespace

CompareFingerprints::CompareFingerprints(OperationId id, const MeshView& mesh,
                                         const RecordCodec& codec, FingerprintRequest request,
                                         std::vector<PartitionId> disks, LinkId asker, NodeId who)
    : Operation(id),
      mesh_(mesh),
      codec_(codec),
      request_(std::move(request)),
      disks_(std::move(disks)),
      asker_(asker),
      who_(who),
      waiting_for_(disks_.size()) {}

Effects CompareFingerprints::start(Instant) {
  Effects effects;
  for (const PartitionId disk : disks_) effects.push_back(UseDisk{disk, Summarize{}});
  return effects;
}

Effects CompareFingerprints::on_disk(Instant, const Result<DiskAnswer>& answer) {
  const DiskSummary* summary = answer ? std::get_if<DiskSummary>(&answer.value()) : nullptr;
  failed_ = failed_ || summary == nullptr;
  if (summary != nullptr) {
    for (const PartitionSummary& one : summary->partitions) ours_[one.partition] = one.fingerprint;
  }
  if (--waiting_for_ > 0 || failed_) return {};
  FingerprintAnswer result{request_.operation, {}, request_.round, different_blocks()};
  for (const Fingerprint& theirs : request_.mine) {
    if (differs(theirs)) result.different.push_back(theirs.partition);
  }
  return {Answer{asker_, std::move(result)}};
}

// Also those of which one side does not know yet, or no more, that both hold them.
std::vector<std::uint32_t> CompareFingerprints::different_blocks() const {
  std::vector<std::uint32_t> different;
  if (request_.blocks.size() != shared_blocks || mesh_.partition_count == 0) return different;
  const auto ours = block_sums(shared_fingerprints(mesh_, who_, ours_), mesh_.partition_count);
  for (std::uint32_t block = 0; block < shared_blocks; ++block) {
    if (ours[block] != request_.blocks[block]) different.push_back(block);
  }
  return different;
}

bool CompareFingerprints::differs(const Fingerprint& theirs) const {
  const auto mine = ours_.find(theirs.partition);
  const std::uint64_t records = mine == ours_.end() ? 0 : mine->second;
  const std::uint64_t sum = compared_sum(records, mesh_.collected_of(theirs.partition));
  if (sum != theirs.sum || mesh_.is_recovering(theirs.partition)) return true;
  return theirs.lists != 0 && theirs.lists != sum_of(codec_, mesh_.lists_of(theirs.partition));
}

std::uint64_t sum_of(const RecordCodec& codec, const HolderLists& lists) {
  return std::max<std::uint64_t>(chunk_checksum(codec.encode_lists(lists)), 1);
}

ReadInventory::ReadInventory(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                             InventoryRequest request, LinkId asker)
    : Operation(id), mesh_(mesh), codec_(codec), request_(std::move(request)), asker_(asker) {}

Effects ReadInventory::refuse(ErrorCode code) {
  answered_ = true;
  InventoryAnswer refused;
  refused.operation = request_.operation;
  refused.code = code;
  return {Answer{asker_, std::move(refused)}};
}

Effects ReadInventory::start(Instant) {
  const HolderLists ours = mesh_.lists_of(request_.partition);
  if (request_.lists && ours != *request_.lists) return refuse(ErrorCode::stale);
  // Two that recover tell each other what they have: of all holders together it is all there is.
  recovering_ = mesh_.is_recovering(request_.partition);
  if (recovering_ && !request_.lists) {
    return refuse(is_holder(ours, mesh_.self) ? ErrorCode::failed : ErrorCode::stale);
  }
  return {UseDisk{request_.partition, ListPartition{request_.partition, request_.after}}};
}

Effects ReadInventory::on_disk(Instant, const Result<DiskAnswer>& answer) {
  const RecordPage* page = answer ? std::get_if<RecordPage>(&answer.value()) : nullptr;
  if (page == nullptr) return refuse(ErrorCode::failed);
  answered_ = true;
  InventoryAnswer result;
  result.operation = request_.operation;
  result.complete = page->complete;
  result.recovering = recovering_;
  result.joining = mesh_.is_joining(request_.partition);
  result.collected = mesh_.collected_of(request_.partition);
  std::size_t weight = 0;
  for (const Bytes& bytes : page->records) {
    auto record = codec_.decode_record(bytes);
    if (!record) continue;
    weight += weight_of(record.value());
    if (weight > inventory_bytes_max && !result.records.empty()) {
      result.complete = false;
      break;
    }
    result.records.push_back(std::move(record).value());
  }
  return {Answer{asker_, std::move(result)}};
}

ReadWishes::ReadWishes(OperationId id, WishesRequest request, LinkId asker)
    : Operation(id), request_(request), asker_(asker) {}

Effects ReadWishes::start(Instant) {
  return {UseDisk{request_.partition, LoadTable{Table::requests, row_prefix(request_.partition)}}};
}

Effects ReadWishes::on_disk(Instant, const Result<DiskAnswer>& answer) {
  answered_ = true;
  WishesAnswer result;
  result.operation = request_.operation;
  const TableRows* table = answer ? std::get_if<TableRows>(&answer.value()) : nullptr;
  if (table == nullptr) {
    result.code = ErrorCode::failed;
    return {Answer{asker_, std::move(result)}};
  }
  for (const auto& [key, value] : table->rows) {
    const auto wish = parse_request_row(key, value);
    if (!wish || (request_.after && wish->request <= *request_.after)) continue;
    if (result.wishes.size() == page_entries_max) {
      result.complete = false;
      break;
    }
    result.wishes.push_back(*wish);
  }
  return {Answer{asker_, std::move(result)}};
}

ReadVersion::ReadVersion(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                         VersionRequest request, LinkId asker, Version floor)
    : Operation(id),
      mesh_(mesh),
      codec_(codec),
      request_(std::move(request)),
      asker_(asker),
      floor_(floor) {}

Effects ReadVersion::start(Instant) {
  const HolderLists ours = mesh_.lists_of(request_.partition);
  const bool recovering = mesh_.is_recovering(request_.partition);
  if (ours == request_.lists && !recovering) {
    FindRecord question{request_.partition, request_.name, {}};
    if (request_.request) question.request = request_key(request_.partition, *request_.request);
    return {UseDisk{request_.partition, std::move(question)}};
  }
  answered_ = true;
  VersionAnswer stale;
  stale.operation = request_.operation;
  stale.round = request_.round;
  stale.code = recovering ? ErrorCode::failed : ErrorCode::stale;
  stale.lists = ours;
  return {Answer{asker_, std::move(stale)}};
}

Effects ReadVersion::on_disk(Instant, const Result<DiskAnswer>& answer) {
  answered_ = true;
  VersionAnswer result;
  result.operation = request_.operation;
  result.round = request_.round;
  result.floor = floor_;
  result.lists = request_.lists;
  const StoredRecord* found = answer ? std::get_if<StoredRecord>(&answer.value()) : nullptr;
  if (found == nullptr) {
    result.code = ErrorCode::failed;
    return {Answer{asker_, std::move(result)}};
  }
  result.request_version = parse_request_row(found->request_value);
  result.collected = mesh_.collected_of(request_.partition);
  if (!found->record.empty() && !mesh_.is_newcomer(request_.lists, request_.partition)) {
    auto record = codec_.decode_record(found->record);
    if (!record) {
      result.code = ErrorCode::failed;
      return {Answer{asker_, std::move(result)}};
    }
    result.record = std::move(record).value();
    if (request_.request == result.record->request) {  // the row may be lost with an old index
      result.request_version = result.record->version;
    }
  }
  return {Answer{asker_, std::move(result)}};
}

}  // namespace pixmesh
