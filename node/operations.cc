#include "node/operations.h"

namespace pixmesh {

Operation& Operations::add(std::unique_ptr<Operation> operation) {
  const OperationId id = operation->id();
  Entry& entry = entries_[id];
  entry.operation = std::move(operation);
  return *entry.operation;
}

Operation* Operations::find(OperationId id) const {
  const auto place = entries_.find(id);
  return place == entries_.end() ? nullptr : place->second.operation.get();
}

Operation* Operations::carrier_of(const RequestId& wish) const {
  const auto place = carriers_.find(wish);
  return place == carriers_.end() ? nullptr : find(place->second);
}

std::optional<RequestId> Operations::carried_by(OperationId id) const {
  const auto place = entries_.find(id);
  return place == entries_.end() ? std::nullopt : place->second.wish;
}

Operation* Operations::receiver_of(StreamId stream) const {
  const auto place = receivers_.find(stream);
  return place == receivers_.end() ? nullptr : find(place->second);
}

Operation* Operations::sender_of(StreamId stream) const {
  const auto place = senders_.find(stream);
  return place == senders_.end() ? nullptr : find(place->second);
}

std::vector<OperationId> Operations::ids() const {
  std::vector<OperationId> all;
  for (const auto& [id, entry] : entries_) all.push_back(id);
  return all;
}

void Operations::unlist(Entry& entry) {
  const OperationId id = entry.operation->id();
  if (entry.wish) carriers_.erase(*entry.wish);
  if (entry.receives) receivers_.erase(*entry.receives);
  if (entry.sends) senders_.erase(*entry.sends);
  if (entry.deadline) deadlines_.erase({*entry.deadline, id});
}

std::unique_ptr<Operation> Operations::touch(Operation& operation) {
  const OperationId id = operation.id();
  const auto place = entries_.find(id);
  if (place == entries_.end()) return nullptr;
  Entry& entry = place->second;
  unlist(entry);
  if (operation.finished()) {
    std::unique_ptr<Operation> done = std::move(entry.operation);
    entries_.erase(place);
    return done;
  }
  entry.wish = operation.wish();
  entry.receives = operation.receives();
  entry.sends = operation.sends();
  entry.deadline = operation.next_deadline();
  if (entry.wish) carriers_[*entry.wish] = id;
  if (entry.receives) receivers_[*entry.receives] = id;
  if (entry.sends) senders_[*entry.sends] = id;
  if (entry.deadline) deadlines_.insert({*entry.deadline, id});
  return nullptr;
}

std::optional<Instant> Operations::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

std::vector<OperationId> Operations::due(Instant now) const {
  std::vector<OperationId> ids;
  for (const auto& [at, id] : deadlines_) {
    if (at > now) break;
    ids.push_back(id);
  }
  return ids;
}

}  // namespace pixmesh
