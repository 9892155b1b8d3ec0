#include "replication/listing.h"

#include <algorithm>

namespace pixmesh {

bool matches(const ListEntry& entry, const std::vector<Tag>& tags) {
  return std::all_of(tags.begin(), tags.end(), [&](const Tag& tag) {
    return std::find(entry.tags.begin(), entry.tags.end(), tag) != entry.tags.end();
  });
}

Listing::Listing(OperationId id, const MeshView& mesh, ListRequest request, bool covered,
                 LinkId client)
    : Operation(id),
      mesh_(mesh),
      request_(std::move(request)),
      complete_(covered),
      doubts_(mesh.doubts),
      client_(client) {
  request_.limit = std::clamp(request_.limit, 1U, page_entries_max);
}

Effects Listing::start(Instant now) {
  answer_by_ = now + Options{}.answer_timeout;
  asked_ = {mesh_.epoch, mesh_.alive};
  for (const NodeId& node : asked_.nodes) pages_[node];
  return ask_whoever_owes(now);
}

// More than once: a process that has just started anew does not know our link yet, and what came
// over it is lost.
Effects Listing::ask_whoever_owes(Instant now) {
  repeat_at_ = now + Options{}.repeat_after;
  ListRequest to_members = request_;
  to_members.operation = id();
  to_members.among = asked_;
  Effects effects;
  for (const auto& [node, page] : pages_) {
    if (!page) effects.push_back(Ask{node, to_members});
  }
  return effects;
}

Effects Listing::on_message(Instant, NodeId from, const PeerMessage& message) {
  const auto* page = std::get_if<ListAnswer>(&message);
  const auto place = pages_.find(from);
  if (page == nullptr || place == pages_.end()) return {};
  if (page->code != ErrorCode{}) {
    pages_.erase(place);
    complete_ = false;
  } else {
    complete_ = complete_ && page->complete;
    place->second = *page;
  }
  return finish_if_complete();
}

Effects Listing::on_member_down(Instant, NodeId member) {
  const auto place = pages_.find(member);
  if (place == pages_.end() || place->second) return {};
  pages_.erase(place);
  complete_ = false;  // its partitions may have lost their quorum; asking again tells
  return finish_if_complete();
}

Effects Listing::on_deadline(Instant now) {
  if (answered_ || !answer_by_) return {};
  if (now < *answer_by_) {
    return repeat_at_ && now >= *repeat_at_ ? ask_whoever_owes(now) : Effects{};
  }
  complete_ = false;
  std::erase_if(pages_, [](const auto& entry) { return !entry.second; });
  return finish_if_complete();
}

std::optional<Instant> Listing::next_deadline() const {
  if (!answer_by_ || !repeat_at_) return answer_by_;
  return std::min(*answer_by_, *repeat_at_);
}

Effects Listing::finish_if_complete() {
  if (answered_) return {};
  const bool waiting =
      std::any_of(pages_.begin(), pages_.end(), [](const auto& entry) { return !entry.second; });
  if (waiting) return {};
  answered_ = true;
  answer_by_.reset();
  complete_ = complete_ && doubts_ == mesh_.doubts;
  return {Answer{client_, merged()}};
}

ListAnswer Listing::merged() const {
  ListAnswer answer;
  answer.operation = request_.operation;
  answer.complete = complete_;
  std::map<std::string, ListEntry> newest;
  std::optional<std::string> cut;  // behind it some member may know more
  for (const auto& [node, page] : pages_) {
    for (const ListEntry& entry : page->entries) {
      auto [place, fresh] = newest.try_emplace(entry.name, entry);
      if (!fresh && place->second.version < entry.version) place->second = entry;
    }
    if (!page->more || page->entries.empty()) continue;
    const std::string& last = page->entries.back().name;
    if (!cut || last < *cut) cut = last;
  }
  answer.more = cut.has_value();
  for (auto& [name, entry] : newest) {
    if (cut && *cut < name) break;
    if (answer.entries.size() == request_.limit) {
      answer.more = true;
      break;
    }
    answer.entries.push_back(std::move(entry));
  }
  // Tombstones and other tags stay in until here: a client's cursor must move past them.
  return answer;
}

LocalListing::LocalListing(OperationId id, const RecordCodec& codec, ListRequest request,
                           std::vector<PartitionId> disks, bool covered, Condition tells_of,
                           LinkId asker)
    : Operation(id),
      codec_(codec),
      request_(std::move(request)),
      disks_(std::move(disks)),
      covered_(covered),
      tells_of_(std::move(tells_of)),
      asker_(asker) {}

Effects LocalListing::start(Instant) {
  waiting_for_ = disks_.size();
  request_.limit = std::clamp(request_.limit, 1U, page_entries_max);
  return ask_next();
}

// One after the other: an answer does not say which disk it is of.
Effects LocalListing::ask_next() {
  const PartitionId disk = disks_[disks_.size() - waiting_for_];
  return {UseDisk{disk, ListNames{request_.prefix, request_.after, request_.limit}}};
}

Effects LocalListing::on_disk(Instant, const Result<DiskAnswer>& answer) {
  const RecordPage* page = answer ? std::get_if<RecordPage>(&answer.value()) : nullptr;
  failed_ = failed_ || page == nullptr;
  if (page != nullptr) {
    std::string last;
    for (const Bytes& bytes : page->records) {
      auto record = codec_.decode_record(bytes);
      if (!record) continue;
      const ImageRecord& image = record.value();
      last = image.name;
      if (!tells_of_(image.name, disks_[disks_.size() - waiting_for_])) continue;
      entries_.push_back({image.name, image.version, image.digest, image.size, image.media,
                          image.tags, image.tombstone});
    }
    if (!page->complete && (cut_.empty() || last < cut_)) cut_ = last;
  }
  if (--waiting_for_ > 0) return ask_next();
  ListAnswer list;
  list.operation = request_.operation;
  if (failed_) {
    list.code = ErrorCode::failed;
    list.detail = "a disk could not be read";
    return {Answer{asker_, std::move(list)}};
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const ListEntry& a, const ListEntry& b) { return a.name < b.name; });
  if (!cut_.empty()) {
    std::erase_if(entries_, [&](const ListEntry& entry) { return cut_ < entry.name; });
    list.more = true;
  }
  if (entries_.size() > request_.limit) {
    entries_.resize(request_.limit);
    list.more = true;
  }
  list.complete = covered_;
  list.entries = std::move(entries_);
  return {Answer{asker_, std::move(list)}};
}

}  // namespace pixmesh
