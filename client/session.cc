#include "client/session.h"

#include <poll.h>

#include <algorithm>

#include "base/limits.h"
#include "host/system/entropy.h"
#include "ring/partition.h"

namespace pixmesh {
namespace {

// A random start, so that two clients on one link never share a number.
std::uint64_t random_number() { return seed_from_entropy() >> 1; }

constexpr Duration impatience = 500ms;  // with a node, when there are others to ask
constexpr Duration silence_is_kept = 5s;

// Names are looked up by it.
bool is_sound(const MeshAnswer& answer) {
  const bool has_partitions =
      answer.partition_bits >= 1 && answer.partition_bits <= partition_bits_max;
  return answer.mesh == MeshId{} || has_partitions;
}

Error interrupted() { return {ErrorCode::timed_out, "interrupted"}; }

}  // namespace

Client::Session::Session(ClientOptions options)
    : options_(std::move(options)), last_operation_(random_number()) {}

PartitionId Client::Session::partition_of_name(const std::string& name) const {
  return partition_of(name, mesh_.placement_key, mesh_.partition_bits);
}

RequestId Client::Session::fresh_request() const {
  RequestId request;
  fill_from_entropy(request.raw);
  return request;
}

StreamId Client::Session::fresh_stream() const {
  StreamId stream;
  fill_from_entropy(stream.raw);
  return stream;
}

DealerClient* Client::Session::reach(const std::string& control) {
  const auto known = nodes_.find(control);
  if (known != nodes_.end()) return &known->second;
  if (nodes_.size() >= options_.links) hang_up();
  auto opened = DealerClient::open({control}, {});
  if (!opened) return nullptr;
  return &nodes_.emplace(control, std::move(opened).value()).first->second;
}

void Client::Session::hang_up() {
  const auto is_another = [&](const auto& entry) { return entry.first != contact_; };
  std::erase_if(nodes_, is_another);
  std::erase_if(bulk_of_, is_another);
}

Result<MeshAnswer> Client::Session::mesh_from(const std::string& node, Duration patience) {
  const MeshRequest question{next_operation()};
  if (!send(node, question)) return Error{ErrorCode::unreachable, "no node answers at " + node};
  const Instant deadline = monotonic_now() + patience;
  for (;;) {
    auto arrival = receive(node, deadline);
    if (!arrival) return arrival.error();
    const auto* answer = arrival->answer_to<MeshAnswer>(question.operation);
    if (answer == nullptr) continue;
    if (is_sound(*answer)) return *answer;
    return Error{ErrorCode::failed, "what answers at " + node + " describes no mesh"};
  }
}

Result<Done> Client::Session::learn_mesh() {
  std::string tried;
  bool waiting = false;
  const bool has_choice = options_.nodes.size() > 1;
  // With a choice of nodes a silent one costs little; only when all are silent are they waited for.
  for (const Duration patience : {has_choice ? impatience : options_.connect_timeout,
                                  has_choice ? options_.connect_timeout : Duration{}}) {
    if (patience == Duration{}) break;
    tried.clear();
    for (const Endpoint& node : options_.nodes) {
      const auto answer = mesh_from(node.text, patience);
      if (cancelled_) return interrupted();
      if (answer && answer->mesh != MeshId{}) {
        mesh_ = answer.value();
        contact_ = node.text;
        return Done{};
      }
      waiting = waiting || answer.has_value();
      tried += (tried.empty() ? "" : ", ") + node.text;
    }
  }
  if (waiting) {
    return Error{ErrorCode::unreachable, "the node at " + tried +
                                             " belongs to no mesh yet. Start it with --create or "
                                             "--join HOST:PORT."};
  }
  return Error{
      ErrorCode::unreachable,
      "no node answers at " + tried + ". Start one with 'pixmesh up' or name another with --node."};
}

// The contact may have died: any other member describes the mesh as well. But it may be the only
// one that is known.
void Client::Session::ask_others_first() {
  for (const HolderAddress& member : mesh_.members) {
    const auto known = std::ranges::find(options_.nodes, member.control, &Endpoint::text);
    if (known == options_.nodes.end()) options_.nodes.push_back({member.control});
  }
  std::ranges::stable_partition(options_.nodes,
                                [this](const Endpoint& node) { return node.text != contact_; });
}

bool Client::Session::send(const std::string& control, const Message& message) {
  DealerClient* node = reach(control);
  return node != nullptr && node->send(encode(message));
}

bool Client::Session::open_bulk(const HolderAddress& node) {
  DealerClient* link = reach(node.control);
  if (link == nullptr) return false;
  std::string& opened = bulk_of_[node.control];
  if (opened == node.bulk) return true;
  if (!link->open_bulk({node.bulk})) return false;
  opened = node.bulk;
  return true;
}

bool Client::Session::watch_connection(const std::string& control) {
  DealerClient* node = reach(control);
  return node != nullptr && node->watch_connection();
}

void Client::Session::stop_watching(const std::string& control) {
  const auto node = nodes_.find(control);
  if (node != nodes_.end()) node->second.stop_watching();
}

bool Client::Session::send_bulk(const std::string& control, const BulkMessage& message) {
  DealerClient* node = reach(control);
  return node != nullptr && node->send_bulk(encode(message));
}

bool Client::Session::send_chunk(const std::string& control, const StreamChunk& message,
                                 zmq::message_t chunk) {
  DealerClient* node = reach(control);
  return node != nullptr && node->send_bulk(encode(BulkMessage(message)), std::move(chunk));
}

Result<Client::Session::Arrival> Client::Session::receive(const std::string& control,
                                                          Instant deadline) {
  DealerClient* node = reach(control);
  if (node == nullptr) return Error{ErrorCode::unreachable, "no node answers at " + control};
  for (;;) {
    if (auto bytes = node->receive(0s)) {
      auto message = decode_message(*bytes);
      if (message) {
        Arrival arrival;
        arrival.message = std::move(message).value();
        return arrival;
      }
      continue;
    }
    if (auto frame = node->receive_bulk(0s)) {
      auto message = decode_bulk(frame->message);
      if (message) {
        Arrival arrival;
        arrival.bulk = std::move(message).value();
        arrival.chunk = std::move(frame->chunk);
        return arrival;
      }
      continue;
    }
    if (node->take_loss()) {
      Arrival loss;
      loss.connection_lost = true;
      return loss;
    }
    const Duration left = deadline - monotonic_now();
    if (left <= Duration{}) {
      return Error{ErrorCode::timed_out, "the node at " + control + " did not answer in time"};
    }
    const Readiness ready = node->wait(left, options_.cancel_fd);
    if (ready.cancelled) {
      cancelled_ = true;
      return interrupted();
    }
  }
}

void Client::Session::wait_for(const std::string& control, std::span<const int> descriptors,
                               Duration limit) {
  if (DealerClient* node = reach(control)) node->wait_with(descriptors, limit);
}

Result<Client::Session::Arrival> Client::Session::Attention::next(Instant deadline) {
  for (;;) {
    auto arrival = session_.receive(control_, std::min(deadline, ask_alive_at_));
    const Instant now = monotonic_now();
    if (arrival && arrival->connection_lost) {
      if (unanswered_ == 0) ask_alive_at_ = std::min(ask_alive_at_, now);  // it may have died
      return arrival;
    }
    if (arrival) {
      session_.silent_until_.erase(control_);
      unanswered_ = 0;
      const auto* sign = arrival->message ? std::get_if<AliveAnswer>(&*arrival->message) : nullptr;
      ask_alive_at_ = now + ask_after;
      if (sign == nullptr) return arrival;
      ask_alive_at_ = now + std::clamp((now - asked_at_) / 4, ask_again_soonest, ask_again_latest);
      if (is_another_process(*sign)) {
        return Error{ErrorCode::unreachable, "the node at " + control_ + " was started anew"};
      }
    } else if (session_.cancelled() || now >= deadline) {
      return arrival;
    } else if (unanswered_ == questions_max || !ask_whether_it_lives()) {
      session_.give_up_on(control_);
      return Error{ErrorCode::unreachable, "the node at " + control_ + " fell silent"};
    } else {
      ++unanswered_;
      ask_alive_at_ = now + ask_after;
    }
  }
}

// What lies in its sockets goes with them: a node that is back minutes later must not be told to
// delete what others have written since another one did it.
void Client::Session::give_up_on(const std::string& control) {
  silent_until_[control] = monotonic_now() + silence_is_kept;
  nodes_.erase(control);
  bulk_of_.erase(control);
}

bool Client::Session::Attention::ask_whether_it_lives() {
  asked_alive_ = session_.next_operation();
  asked_alive_at_ = monotonic_now();
  return session_.send(control_, AliveRequest{asked_alive_});
}

// The answer was given after its question was sent: the process is no older than it says, counted
// from there.
bool Client::Session::Attention::is_another_process(const AliveAnswer& answer) const {
  const bool says_it = answer.age_ms < std::uint64_t{1} << 40;
  return says_it && answer.operation == asked_alive_ &&
         asked_alive_at_ - std::chrono::milliseconds(answer.age_ms) > asked_at_;
}

bool Client::Session::fell_silent(const std::string& control) const {
  const auto silent = silent_until_.find(control);
  return silent != silent_until_.end() && monotonic_now() < silent->second;
}

Result<Done> Client::Session::sleep(Duration pause) {
  pollfd cancel{options_.cancel_fd, POLLIN, 0};
  const int timeout = static_cast<int>(pause / 1ms);
  if (::poll(&cancel, options_.cancel_fd < 0 ? 0 : 1, timeout) > 0) {
    cancelled_ = true;
    return interrupted();
  }
  return Done{};
}

Result<std::vector<HolderAddress>> Client::Session::holders_of_partition(PartitionId partition,
                                                                         Burden burden,
                                                                         Instant deadline) {
  auto row = rows_.find(partition);
  if (row == rows_.end()) {
    const Instant limit = std::min(deadline, monotonic_now() + options_.connect_timeout);
    auto answer = ask<RowAnswer>(contact_, RowRequest{next_operation(), partition}, limit);
    if (!answer) {
      if (cancelled_) return answer.error();
      ask_others_first();
      if (auto learned = learn_mesh(); !learned) return learned.error();
      answer = ask<RowAnswer>(contact_, RowRequest{next_operation(), partition},
                              monotonic_now() + options_.connect_timeout);
      if (!answer) return answer.error();
    }
    row = rows_.emplace(partition, answer.value()).first;
  }
  // Target holders first: they stay. Where to begin is spread by the partition's number.
  std::vector<HolderAddress> living;
  for (const HolderAddress& holder : row->second.holders) {
    if (holder.alive && contains(row->second.lists.target, holder.node)) living.push_back(holder);
  }
  if (living.empty()) living = row->second.holders;
  if (living.empty()) return Error{ErrorCode::unreachable, "the partition has no holders"};
  std::rotate(living.begin(), living.begin() + partition.raw % living.size(), living.end());
  if (burden == Burden::words) {
    std::stable_partition(living.begin(), living.end(), [&](const HolderAddress& holder) {
      return nodes_.contains(holder.control);
    });
    const auto preferred = preferred_.find(partition);
    std::stable_partition(living.begin(), living.end(), [&](const HolderAddress& holder) {
      return preferred != preferred_.end() && holder.control == preferred->second;
    });
  }
  const auto silent = std::stable_partition(
      living.begin(), living.end(),
      [&](const HolderAddress& holder) { return !fell_silent(holder.control); });
  if (silent != living.begin()) living.erase(silent, living.end());
  return living;
}

}  // namespace pixmesh
