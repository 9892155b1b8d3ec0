#pragma once

#include <map>
#include <span>

#include "client/client.h"
#include "client/retry_budget.h"
#include "host/net/dealer_client.h"
#include "host/system/clocks.h"
#include "wire/message.h"

namespace pixmesh {

/// What a holder is asked to carry.
enum class Burden : std::uint8_t {
  words,  // those that are connected already are asked first: a new connection costs more
  bytes,  // spread over the holders, whatever is connected
};

/// Connections to nodes by address, and the waiting for answers. One call at a time.
class Client::Session {
 public:
  /// What came from one node: a control message, or a bulk message with its chunk.
  struct Arrival {
    std::optional<Message> message;
    std::optional<BulkMessage> bulk;
    std::optional<zmq::message_t> chunk;
    bool connection_lost = false;  // instead of a message; see watch_connection

    /// The message, if it is a T and answers this operation.
    template <typename T>
    [[nodiscard]] const T* answer_to(OperationId operation) const {
      const T* answer = message ? std::get_if<T>(&*message) : nullptr;
      return answer != nullptr && answer->operation == operation ? answer : nullptr;
    }
  };

  /// Waits for what one node owes and tells a busy node from a dead one: while nothing comes, the
  /// node is asked whether it lives: at first after `ask_after`, later less often. A node that
  /// answers none of `questions_max` such questions is left 1 s after the first of them; one whose
  /// process began after the question was sent, at once: it does not know of it.
  class Attention {
   public:
    Attention(Session& session, std::string control)
        : session_(session), control_(std::move(control)) {}

    /// The next message, or a loss. Errors: timed_out at the deadline (or "interrupted" when
    /// cancelled); unreachable when the node fell silent or was started anew.
    [[nodiscard]] Result<Arrival> next(Instant deadline);

    /// Has the node answered since it was last asked whether it lives?
    [[nodiscard]] bool shows_life() const { return unanswered_ == 0; }

   private:
    static constexpr Duration ask_after = 250ms;
    // When it has just shown that it lives: a quarter of the wait so far, within these bounds. Many
    // who wait long must not keep a node busy that has all too much to do.
    static constexpr Duration ask_again_soonest = 500ms;
    static constexpr Duration ask_again_latest = 2s;
    static constexpr int questions_max = 4;

    [[nodiscard]] bool ask_whether_it_lives();
    [[nodiscard]] bool is_another_process(const AliveAnswer& answer) const;

    Session& session_;
    std::string control_;
    Instant asked_at_ = monotonic_now();  // or later than the question was sent
    Instant ask_alive_at_ = asked_at_ + ask_after;
    OperationId asked_alive_;  // the last time, and when
    Instant asked_alive_at_;
    int unanswered_ = 0;
  };

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

  /// Living holders of the partition in an order that spreads load, without those that fell
  /// silent if others are left; the row is cached.
  [[nodiscard]] Result<std::vector<HolderAddress>> holders_of_partition(PartitionId partition,
                                                                        Burden burden,
                                                                        Instant deadline);
  /// Small questions about the partition go to this node first: it has what was asked for last.
  void prefer(PartitionId partition, std::string control) {
    preferred_[partition] = std::move(control);
  }
  void forget_row(PartitionId partition) { rows_.erase(partition); }

  [[nodiscard]] bool send(const std::string& control, const Message& message);
  [[nodiscard]] bool open_bulk(const HolderAddress& node);
  /// From now on `receive` tells when the connection to this node ends; it is made anew by itself.
  /// @returns false if that cannot be watched.
  [[nodiscard]] bool watch_connection(const std::string& control);
  void stop_watching(const std::string& control);
  [[nodiscard]] bool send_bulk(const std::string& control, const BulkMessage& message);
  [[nodiscard]] bool send_chunk(const std::string& control, const StreamChunk& message,
                                zmq::message_t chunk);

  /// The next message from this node, or the loss of a connection that is watched. Errors:
  /// timed_out (with "interrupted" when cancelled).
  [[nodiscard]] Result<Arrival> receive(const std::string& control, Instant deadline);

  /// Waits until this node has said something or one of these is readable; at most so long.
  void wait_for(const std::string& control, std::span<const int> descriptors, Duration limit);

  /// Sends a question and waits for the answer of type T that carries its operation. Errors: those
  /// of Attention::next.
  template <typename T, typename Question>
  [[nodiscard]] Result<T> ask(const std::string& control, const Question& question,
                              Instant deadline) {
    if (!send(control, question)) {
      return Error{ErrorCode::unreachable, "no node answers at " + control};
    }
    Attention attention(*this, control);
    for (;;) {
      auto arrival = attention.next(deadline);
      if (!arrival && !attention.shows_life()) give_up_on(control);
      if (!arrival) return arrival.error();
      if (const T* answer = arrival->answer_to<T>(question.operation)) return *answer;
    }
  }

  /// Has the node answered nothing a moment ago? It is left alone for a while.
  [[nodiscard]] bool fell_silent(const std::string& control) const;

  /// Waits for `pause`, or until cancelled.
  [[nodiscard]] Result<Done> sleep(Duration pause);
  [[nodiscard]] bool cancelled() const { return cancelled_; }

  RetryBudget retries;     // of runs
  Duration retry_after{};  // what the last refused run was told

 private:
  [[nodiscard]] DealerClient* reach(const std::string& control);
  /// Ends all connections but the contact's. One call talks to one node at a time, so none is lost.
  void hang_up();
  [[nodiscard]] Result<MeshAnswer> mesh_from(const std::string& node, Duration patience);
  void ask_others_first();
  void give_up_on(const std::string& control);

  ClientOptions options_;
  MeshAnswer mesh_;
  std::string contact_;
  std::map<std::string, DealerClient> nodes_;
  std::map<std::string, std::string> bulk_of_;
  std::map<PartitionId, RowAnswer> rows_;
  std::map<PartitionId, std::string> preferred_;  // control address
  std::map<std::string, Instant> silent_until_;   // by control address
  std::uint64_t last_operation_ = 0;
  bool cancelled_ = false;
};

}  // namespace pixmesh
