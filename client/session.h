#pragma once

#include <map>

#include "client/client.h"
#include "host/clocks.h"
#include "host/dealer_client.h"
#include "wire/message.h"

namespace pixmesh {

/// Connections to nodes by address, and the waiting for answers. One call at a time.
class Client::Session {
 public:
  explicit Session(ClientOptions options);

  [[nodiscard]] Result<Done> learn_mesh();
  [[nodiscard]] const MeshAnswer& mesh() const { return mesh_; }
  [[nodiscard]] const ClientOptions& options() const { return options_; }
  /// The address of the node that described the mesh.
  [[nodiscard]] const std::string& contact() const { return contact_; }
  [[nodiscard]] Instant deadline() const { return monotonic_now() + options_.deadline; }

  [[nodiscard]] PartitionId partition_of_name(const std::string& name) const;
  [[nodiscard]] OperationId next_operation() { return OperationId{++last_operation_}; }
  [[nodiscard]] RequestId fresh_request() const;
  [[nodiscard]] StreamId fresh_stream() const;

  /// Living holders of the partition in an order that spreads load; the row is cached.
  [[nodiscard]] Result<std::vector<HolderAddress>> holders_of_partition(PartitionId partition,
                                                                        Instant deadline);
  void forget_row(PartitionId partition) { rows_.erase(partition); }

  [[nodiscard]] bool send(const std::string& control, const Message& message);
  [[nodiscard]] bool open_bulk(const HolderAddress& node);
  [[nodiscard]] bool send_bulk(const std::string& control, const BulkMessage& message);
  [[nodiscard]] bool send_chunk(const std::string& control, const StreamChunk& message,
                                ByteView bytes);

  /// What came from one node: a control message, or a bulk message with its chunk.
  struct Arrival {
    std::optional<Message> message;
    std::optional<BulkMessage> bulk;
    std::optional<zmq::message_t> chunk;
  };
  /// The next message from this node. Errors: timed_out (with "interrupted" when cancelled).
  [[nodiscard]] Result<Arrival> receive(const std::string& control, Instant deadline);

  /// Sends a question and waits for the answer of type T that carries its operation.
  template <typename T, typename Question>
  [[nodiscard]] Result<T> ask(const std::string& control, const Question& question,
                              Instant deadline) {
    if (!send(control, question)) {
      return Error{ErrorCode::unreachable, "no node answers at " + control};
    }
    for (;;) {
      auto arrival = receive(control, deadline);
      if (!arrival) return arrival.error();
      if (!arrival->message) continue;
      if (const T* answer = std::get_if<T>(&*arrival->message);
          answer != nullptr && answer->operation == question.operation) {
        return *answer;
      }
    }
  }

  /// Waits for `pause`, or until cancelled.
  [[nodiscard]] Result<Done> sleep(Duration pause);
  [[nodiscard]] bool cancelled() const { return cancelled_; }

 private:
  [[nodiscard]] DealerClient* reach(const std::string& control);

  ClientOptions options_;
  MeshAnswer mesh_;
  std::string contact_;
  std::map<std::string, DealerClient> nodes_;
  std::map<std::string, std::string> bulk_of_;
  std::map<PartitionId, RowAnswer> rows_;
  std::uint64_t last_operation_ = 0;
  bool cancelled_ = false;
};

}  // namespace pixmesh
