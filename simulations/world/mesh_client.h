#pragma once

#include <map>
#include <memory>
#include <set>

#include "simulations/world/virtual_network.h"
#include "wire/message.h"

namespace pixmesh {

struct PutWish {
  std::vector<Tag> tags;
  bool if_absent = false;
  bool wait_all = false;
  std::optional<RequestId> request;  // a retry says the same one
};

struct RunOutcome {
  ErrorCode code{};
  std::string detail;
  NodeId node;  // that ran it
  Bytes output;
};

/// One upload as its client sees it.
struct PutCourse {
  PutRequest request;
  Bytes bytes;
  std::uint32_t via = 0;
  std::uint32_t credit = 0;
  std::uint32_t sent = 0;
  std::optional<WriteDone> done;
};

/// One file on its way to the client.
struct ReceiveCourse {
  StreamOpen open;
  Bytes bytes;
  std::uint32_t received = 0;
  bool complete = false;
  std::optional<StreamEnd> end;
};

/// Speaks the messages of a client. Everything it does goes on while time runs.
class MeshClient {
 public:
  static constexpr PartyId first_party = 1'000;

  MeshClient(VirtualNetwork& network, Rng rng, PartyId party = first_party);
  MeshClient(const MeshClient&) = delete;
  MeshClient& operator=(const MeshClient&) = delete;

  /// Told after each message that arrived about one of these.
  struct News {
    std::function<void(OperationId)> answered;
    std::function<void(StreamId)> streamed;
  };
  void on_news(News news) { news_ = std::move(news); }

  [[nodiscard]] OperationId send(std::uint32_t via, Message message);
  [[nodiscard]] const Message* answer_of(OperationId operation) const;
  /// Whether a run was said to be under way.
  [[nodiscard]] bool was_accepted(OperationId operation) const {
    return accepted_.contains(operation);
  }
  /// The answer is not needed any more.
  void forget(OperationId operation) { answers_.erase(operation); }
  /// Bytes that are not what a client says: to see that nothing comes of them.
  void send_raw(std::uint32_t via, Bytes message);
  [[nodiscard]] OperationId fresh_operation() { return OperationId{++last_operation_}; }
  [[nodiscard]] RequestId fresh_request();

  /// Begins an upload; `done` is set when it has ended.
  std::shared_ptr<PutCourse> begin_put(std::uint32_t via, const std::string& name, Bytes bytes,
                                       const PutWish& wish);
  /// Sends no further chunk.
  void stall(const std::shared_ptr<PutCourse>& course) { puts_.erase(course->request.stream); }
  /// Nothing about it matters any more.
  void forget(const std::shared_ptr<PutCourse>& course);
  std::shared_ptr<ReceiveCourse> begin_receive(std::uint32_t from, StreamOpen open);
  void forget(const std::shared_ptr<ReceiveCourse>& course);

 private:
  void on_arrived(const MessageArrived& arrived, const SharedBytes& chunk);
  void on_control(const Message& message);
  void on_bulk(LinkId link, const BulkMessage& message, const SharedBytes& chunk);
  void push_chunks(PutCourse& course);
  [[nodiscard]] LinkId link_to(std::uint32_t node, Plane plane);
  void send_bulk(std::uint32_t node, const BulkMessage& message, SharedBytes chunk);

  VirtualNetwork& network_;
  Rng rng_;
  PartyId party_;
  News news_;
  std::uint64_t last_operation_ = 0;
  std::map<std::pair<std::uint32_t, Plane>, LinkId> links_;
  std::map<OperationId, Message> answers_;
  std::set<OperationId> accepted_;
  std::map<OperationId, std::shared_ptr<PutCourse>> puts_by_operation_;
  std::map<StreamId, std::shared_ptr<PutCourse>> puts_;
  std::map<StreamId, std::pair<std::uint32_t, std::shared_ptr<ReceiveCourse>>> receives_;
};

}  // namespace pixmesh
