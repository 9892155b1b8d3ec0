#include "simulations/world/mesh_client.h"

#include <algorithm>

#include "base/limits.h"

namespace pixmesh {
namespace {

template <typename T>
concept AnswersOperation = requires(T message) {
  OperationId{message.operation};
};

}  // namespace

MeshClient::MeshClient(VirtualNetwork& network, Rng rng, PartyId party)
    : network_(network), rng_(rng), party_(party) {
  network_.start(party_, [this](const MessageArrived& arrived, const SharedBytes& chunk) {
    on_arrived(arrived, chunk);
  });
}

RequestId MeshClient::fresh_request() {
  RequestId request;
  rng_.fill(request.raw);
  return request;
}

LinkId MeshClient::link_to(std::uint32_t node, Plane plane) {
  const auto found = links_.find({node, plane});
  if (found != links_.end()) return found->second;
  return links_[{node, plane}] =
             network_.open(party_, plane, VirtualNetwork::address_of(node, plane));
}

OperationId MeshClient::send(std::uint32_t via, Message message) {
  OperationId operation;
  std::visit(
      [&]<typename T>(T& one) {
        if constexpr (AnswersOperation<T>) operation = one.operation = fresh_operation();
      },
      message);
  (void)network_.send(party_, link_to(via, Plane::control), encode(message), nullptr);
  return operation;
}

void MeshClient::send_raw(std::uint32_t via, Bytes message) {
  (void)network_.send(party_, link_to(via, Plane::control), std::move(message), nullptr);
}

void MeshClient::send_bulk(std::uint32_t node, const BulkMessage& message, SharedBytes chunk) {
  (void)network_.send(party_, link_to(node, Plane::bulk), encode(message), std::move(chunk));
}

const Message* MeshClient::answer_of(OperationId operation) const {
  const auto found = answers_.find(operation);
  return found == answers_.end() ? nullptr : &found->second;
}

std::shared_ptr<PutCourse> MeshClient::begin_put(std::uint32_t via, const std::string& name,
                                                 Bytes bytes, const PutWish& wish) {
  auto course = std::make_shared<PutCourse>();
  PutRequest& request = course->request;
  request.request = wish.request ? *wish.request : fresh_request();
  rng_.fill(request.stream.raw);
  request.name = name;
  request.size = bytes.size();
  request.tags = wish.tags;
  request.if_absent = wish.if_absent;
  request.wait_all = wish.wait_all;
  course->bytes = std::move(bytes);
  course->via = via;
  request.operation = fresh_operation();
  puts_[request.stream] = course;
  puts_by_operation_[request.operation] = course;
  (void)network_.send(party_, link_to(via, Plane::control), encode(Message(request)), nullptr);
  return course;
}

void MeshClient::push_chunks(PutCourse& course) {
  const auto size = static_cast<std::uint32_t>(course.bytes.size());
  const std::uint32_t count = (size + chunk_bytes_max - 1) / chunk_bytes_max;
  while (course.credit > 0 && course.sent < count) {
    const std::uint32_t begin = course.sent * chunk_bytes_max;
    const std::uint32_t end = std::min(size, begin + chunk_bytes_max);
    auto chunk =
        std::make_shared<const Bytes>(course.bytes.begin() + begin, course.bytes.begin() + end);
    send_bulk(course.via, StreamChunk{course.request.stream, course.sent, end == size},
              std::move(chunk));
    ++course.sent;
    --course.credit;
  }
}

std::shared_ptr<ReceiveCourse> MeshClient::begin_receive(std::uint32_t from, StreamOpen open) {
  auto course = std::make_shared<ReceiveCourse>();
  rng_.fill(open.stream.raw);
  open.credit = 4;
  course->open = open;
  receives_[open.stream] = {from, course};
  send_bulk(from, open, nullptr);
  return course;
}

void MeshClient::forget(const std::shared_ptr<PutCourse>& course) {
  puts_.erase(course->request.stream);
  puts_by_operation_.erase(course->request.operation);
  answers_.erase(course->request.operation);
}

void MeshClient::forget(const std::shared_ptr<ReceiveCourse>& course) {
  receives_.erase(course->open.stream);
}

void MeshClient::on_arrived(const MessageArrived& arrived, const SharedBytes& chunk) {
  if (arrived.plane == Plane::control) {
    const auto message = decode_message(arrived.message);
    invariant(message.has_value(), "nodes send what can be read");
    on_control(message.value());
  } else {
    const auto message = decode_bulk(arrived.message);
    invariant(message.has_value(), "nodes send what can be read");
    on_bulk(arrived.link, message.value(), chunk);
  }
}

void MeshClient::on_control(const Message& message) {
  if (const auto* ready = std::get_if<PutReady>(&message)) {
    const auto course = puts_by_operation_.find(ready->operation);
    if (course == puts_by_operation_.end()) return;
    course->second->credit += ready->credit;
    push_chunks(*course->second);
    return;
  }
  if (const auto* accepted = std::get_if<RunAccepted>(&message)) {
    accepted_.insert(accepted->operation);
    return;  // the end is what counts as its answer
  }
  if (const auto* done = std::get_if<WriteDone>(&message)) {
    const auto course = puts_by_operation_.find(done->operation);
    if (course != puts_by_operation_.end()) {
      course->second->done = *done;
      puts_.erase(course->second->request.stream);
    }
  }
  std::visit(
      [&]<typename T>(const T& one) {
        if constexpr (AnswersOperation<T>) {
          answers_[one.operation] = message;
          if (news_.answered) news_.answered(one.operation);
        }
      },
      message);
}

void MeshClient::on_bulk(LinkId, const BulkMessage& message, const SharedBytes& chunk) {
  if (const auto* credit = std::get_if<StreamCredit>(&message)) {
    const auto course = puts_.find(credit->stream);
    if (course == puts_.end()) return;
    course->second->credit += credit->count;
    push_chunks(*course->second);
  } else if (const auto* piece = std::get_if<StreamChunk>(&message)) {
    const auto place = receives_.find(piece->stream);
    if (place == receives_.end()) return;
    const std::uint32_t from = place->second.first;
    const std::shared_ptr<ReceiveCourse> course = place->second.second;
    if (piece->index != course->received) {  // the connection broke and took some with it
      course->end = StreamEnd{piece->stream, ErrorCode::unreachable, "a chunk is missing"};
      receives_.erase(place);
    } else {
      ++course->received;
      course->bytes.insert(course->bytes.end(), chunk->begin(), chunk->end());
      course->complete = piece->last;
      if (!piece->last) send_bulk(from, StreamCredit{piece->stream, 1}, nullptr);
    }
    if (news_.streamed) news_.streamed(piece->stream);
  } else if (const auto* end = std::get_if<StreamEnd>(&message)) {
    const auto place = receives_.find(end->stream);
    if (place == receives_.end()) return;
    place->second.second->end = *end;
    if (news_.streamed) news_.streamed(end->stream);
  }
}

}  // namespace pixmesh
