#pragma once

#include <functional>
#include <map>
#include <memory>

#include "simulations/world/mesh_world.h"

namespace pixmesh {

/// One client of a simulated mesh, told to go on when an answer is there or its time is over. Many
/// conversations may be open at once.
class SimClient {
 public:
  SimClient(MeshWorld& world, PartyId party, Rng rng);

  using Answered = std::function<void(const Message*)>;  // null: nobody answered
  using Received = std::function<void(const ReceiveCourse*)>;
  void ask(std::uint32_t via, Message message, Duration patience, Answered then);
  /// A second answer to a question.
  void await(OperationId operation, Duration patience, Answered then);
  /// `then` gets the WriteDone.
  std::shared_ptr<PutCourse> put(std::uint32_t via, const std::string& name, const Bytes& bytes,
                                 const PutWish& wish, Duration patience, Answered then);
  /// `then` gets the course when it is complete, ended by the other side, or out of time (null).
  void receive(std::uint32_t from, StreamOpen open, Duration patience, Received then);
  void tell(std::uint32_t via, Message message) { (void)wire_.send(via, std::move(message)); }
  void after(Duration delay, std::function<void()> then);
  /// Nothing that is open goes on.
  void abandon_all();

  [[nodiscard]] MeshClient& wire() { return wire_; }

 private:
  struct Pending {
    OperationId operation;
    std::shared_ptr<PutCourse> put;
    std::shared_ptr<ReceiveCourse> receive;
    Answered answered;
    Received received;
  };
  void add(Pending pending, Duration patience);
  /// Takes it out if it is still open.
  [[nodiscard]] std::optional<Pending> close(std::uint64_t key);
  void finish(Pending pending);

  MeshWorld& world_;
  MeshClient wire_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Pending> pending_;
  std::map<OperationId, std::uint64_t> by_operation_;  // keys of pending_
  std::map<StreamId, std::uint64_t> by_stream_;
};

}  // namespace pixmesh
