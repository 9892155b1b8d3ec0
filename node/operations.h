#pragma once

#include <map>
#include <memory>
#include <set>

#include "replication/operation.h"

namespace pixmesh {

/// The conversations that run on this node: finds the one an event belongs to, and knows when the
/// next one must be woken.
class Operations {
 public:
  using Finished = std::function<void(Operation&)>;

  /// Numbers from `first` on; they are tickets at the disks and temp file numbers as well.
  explicit Operations(std::uint64_t first) : next_(first) {}

  [[nodiscard]] OperationId next_id() { return OperationId{next_++}; }

  /// Keeps the operation; `touch` it after every call into it.
  Operation& add(std::unique_ptr<Operation> operation);
  [[nodiscard]] Operation* find(OperationId id) const;
  [[nodiscard]] Operation* carrier_of(const RequestId& wish) const;
  [[nodiscard]] std::optional<RequestId> carried_by(OperationId id) const;
  [[nodiscard]] Operation* receiver_of(StreamId stream) const;
  [[nodiscard]] Operation* sender_of(StreamId stream) const;
  [[nodiscard]] std::vector<OperationId> ids() const;

  /// Learns the operation's wish, streams and deadline anew. @returns it, if it is finished: taken
  /// out.
  [[nodiscard]] std::unique_ptr<Operation> touch(Operation& operation);

  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] std::vector<OperationId> due(Instant now) const;
  [[nodiscard]] std::size_t count() const { return entries_.size(); }

 private:
  struct Entry {
    std::unique_ptr<Operation> operation;
    std::optional<RequestId> wish;
    std::optional<StreamId> receives;
    std::optional<StreamId> sends;
    std::optional<Instant> deadline;
  };
  void unlist(Entry& entry);

  std::uint64_t next_;
  std::map<OperationId, Entry> entries_;
  std::map<RequestId, OperationId> carriers_;
  std::map<StreamId, OperationId> receivers_;
  std::map<StreamId, OperationId> senders_;
  std::set<std::pair<Instant, OperationId>> deadlines_;
};

}  // namespace pixmesh
