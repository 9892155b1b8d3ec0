#include <algorithm>

#include "base/digest.h"
#include "client/attempts.h"

namespace pixmesh {
namespace {

constexpr std::uint32_t window = 4;   // chunks on their way
constexpr Duration stall_after = 3s;  // no chunk for that long: another holder
constexpr Duration alive_again_after = 1s;

}  // namespace

Result<Done> fetch_stream(Client::Session& session, const HolderAddress& node, StreamOpen open,
                          ByteSink& sink, Hasher* hasher, const Progress& progress,
                          const std::function<void()>& while_waiting) {
  open.stream = session.fresh_stream();
  open.credit = window;
  if (!session.open_bulk(node) || !session.send_bulk(node.control, open)) {
    return Error{ErrorCode::unreachable, "no node answers at " + node.bulk};
  }
  const std::uint32_t count = chunk_count_of(open.size);
  std::uint64_t done = 0;
  Client::Session::Attention attention(session, node.control);
  Instant stall_at = monotonic_now() + stall_after;
  for (std::uint32_t next = 0; next < count;) {
    auto arrival = attention.next(std::min(stall_at, monotonic_now() + alive_again_after));
    while_waiting();
    if (!arrival) {
      const bool only_slow = arrival.error().code == ErrorCode::timed_out && !session.cancelled();
      if (only_slow && monotonic_now() < stall_at) continue;
      (void)session.open_bulk(node);  // again, if it fell silent
      (void)session.send_bulk(node.control, StreamEnd{open.stream, ErrorCode::timed_out, {}});
      return arrival.error();
    }
    if (!arrival->bulk) continue;
    if (const auto* end = std::get_if<StreamEnd>(&*arrival->bulk)) {
      if (end->stream == open.stream) return Error{end->code, end->detail};
      continue;
    }
    const auto* piece = std::get_if<StreamChunk>(&*arrival->bulk);
    if (piece == nullptr || piece->stream != open.stream || !arrival->chunk) continue;
    const ByteView bytes(arrival->chunk->data<std::uint8_t>(), arrival->chunk->size());
    const bool fits = piece->index == next && bytes.size() == chunk_size_of(open.size, next) &&
                      (open.checksums.empty() || chunk_checksum(bytes) == open.checksums[next]);
    if (!fits) {
      (void)session.send_bulk(node.control, StreamEnd{open.stream, ErrorCode::corrupt, {}});
      return Error{ErrorCode::corrupt, "a chunk from " + node.control + " is damaged"};
    }
    if (hasher != nullptr) hasher->update(bytes);
    if (auto written = sink.write(bytes); !written) {
      (void)session.send_bulk(node.control, StreamEnd{open.stream, ErrorCode::failed, {}});
      return written.error();
    }
    ++next;
    done += bytes.size();
    stall_at = monotonic_now() + stall_after;
    (void)session.send_bulk(node.control, StreamCredit{open.stream, 1});
    if (progress) progress(done, open.size);
  }
  return Done{};
}

Result<LookupAnswer> Client::get(const std::string& name, bool strict, ByteSink& sink,
                                 const Progress& progress) {
  Error last{ErrorCode::unreachable, "no holder could give the bytes"};
  for (int round = 0; round < 3; ++round) {
    auto found = stat(name, strict);
    if (!found) return found.error();
    for (const HolderAddress& holder : found->holders) {
      Hasher hasher;
      StreamOpen open;
      open.partition = found->partition;
      open.digest = found->record.digest;
      open.media = found->record.media;
      open.size = found->record.size;
      open.checksums = found->record.checksums;
      const auto fetched = fetch_stream(*session_, holder, open, sink, &hasher, progress, [] {});
      if (fetched && hasher.finish() == found->record.digest) return found;
      if (session_->cancelled()) return fetched.error();
      last = fetched ? Error{ErrorCode::corrupt, "the bytes do not have their digest"}
                     : fetched.error();
      if (auto restarted = sink.restart(); !restarted) return restarted.error();
    }
    session_->forget_row(found->partition);
    if (auto slept = session_->sleep(attempt_pause); !slept) return slept.error();
  }
  return last;
}

// --- Upload
// -----------------------------------------------------------------------------------------

namespace {

/// One try of an upload at one holder.
class PutAttempt {
 public:
  PutAttempt(Client::Session& session, const PutOptions& options, RequestId request,
             ByteSource& source, const Progress& progress)
      : session_(session), source_(source), progress_(progress) {
    question_.request = request;
    question_.name = options.name;
    question_.tags = options.tags;
    question_.if_absent = options.if_absent;
    question_.wait_all = options.wait_all;
    question_.size = source.size();
  }

  [[nodiscard]] Result<WriteDone> run(const HolderAddress& holder, Instant deadline);
  [[nodiscard]] bool bytes_were_read() const { return bytes_were_read_; }

 private:
  [[nodiscard]] Result<Done> send_allowed(const HolderAddress& holder);
  [[nodiscard]] Result<zmq::message_t> read_chunk();

  Client::Session& session_;
  ByteSource& source_;
  const Progress& progress_;
  PutRequest question_;
  Hasher hasher_;
  zmq::message_t next_;  // read ahead by one chunk, to know which is the last
  std::uint32_t credit_ = 0;
  std::uint32_t index_ = 0;
  std::uint64_t sent_ = 0;
  bool all_sent_ = false;
  bool bytes_were_read_ = false;
};

// Straight into the message that will be sent; empty at the end.
Result<zmq::message_t> PutAttempt::read_chunk() {
  zmq::message_t chunk(chunk_bytes_max);
  auto* bytes = chunk.data<std::uint8_t>();
  std::size_t filled = 0;
  while (filled < chunk_bytes_max) {
    auto got = source_.read(std::span(bytes, chunk_bytes_max).subspan(filled));
    if (!got) return got.error();
    bytes_were_read_ = true;
    if (got.value() == 0) break;
    filled += got.value();
  }
  if (filled < chunk_bytes_max) return zmq::message_t(bytes, filled);
  return chunk;
}

Result<Done> PutAttempt::send_allowed(const HolderAddress& holder) {
  while (credit_ > 0 && !all_sent_) {
    auto more = read_chunk();
    if (!more) return more.error();
    zmq::message_t chunk = std::exchange(next_, std::move(more).value());
    all_sent_ = next_.empty();
    hasher_.update(ByteView(chunk.data<std::uint8_t>(), chunk.size()));
    sent_ += chunk.size();
    if (question_.size && (sent_ > *question_.size || (all_sent_ && sent_ < *question_.size))) {
      return Error{ErrorCode::failed, "the file changed while it was read"};
    }
    const StreamChunk piece{question_.stream, index_++, all_sent_};
    if (!session_.send_chunk(holder.control, piece, std::move(chunk))) {
      return Error{ErrorCode::unreachable, "no node answers at " + holder.bulk};
    }
    --credit_;
    if (progress_) progress_(sent_, question_.size.value_or(0));
  }
  return Done{};
}

Result<WriteDone> PutAttempt::run(const HolderAddress& holder, Instant deadline) {
  question_.operation = session_.next_operation();
  question_.stream = session_.fresh_stream();
  question_.deadline_ms = ms_until(deadline);
  auto first = read_chunk();
  if (!first) return first.error();
  next_ = std::move(first).value();
  if (next_.empty()) return Error{ErrorCode::usage, "the file is empty"};
  if (!session_.open_bulk(holder) || !session_.send(holder.control, question_)) {
    return Error{ErrorCode::unreachable, "no node answers at " + holder.control};
  }
  const auto give_up = [&](const Error& error) -> Result<WriteDone> {
    (void)session_.open_bulk(holder);  // again, if it fell silent
    (void)session_.send_bulk(holder.control,
                             StreamEnd{question_.stream, ErrorCode::failed, error.detail});
    return error;
  };
  constexpr Duration patience = 6s;  // a holder's own limits are shorter
  Client::Session::Attention attention(session_, holder.control);
  Instant stall_at = monotonic_now() + patience;
  for (;;) {
    auto arrival = attention.next(all_sent_ ? deadline : std::min(deadline, stall_at));
    if (!arrival) return give_up(arrival.error());
    stall_at = monotonic_now() + patience;
    if (arrival->message) {
      if (const auto* ready = arrival->answer_to<PutReady>(question_.operation)) {
        credit_ += ready->credit;
      } else if (const auto* done = arrival->answer_to<WriteDone>(question_.operation)) {
        if (done->code != ErrorCode{}) return Error{done->code, done->detail};
        const bool whole = done->stored && all_sent_;
        if (whole && done->digest != hasher_.finish()) {
          return Error{ErrorCode::corrupt, "the mesh computed another digest than this client"};
        }
        return *done;
      }
    } else if (arrival->bulk) {
      const auto* credit = std::get_if<StreamCredit>(&*arrival->bulk);
      if (credit != nullptr && credit->stream == question_.stream) credit_ += credit->count;
    }
    if (auto sent = send_allowed(holder); !sent) return give_up(sent.error());
  }
}

}  // namespace

Result<WriteDone> Client::put(const PutOptions& options, ByteSource& source,
                              const Progress& progress) {
  if (auto good = check_name(options.name); !good) return good.error();
  if (auto good = check_tags(options.tags); !good) return good.error();
  const RequestId request = session_->fresh_request();
  const Instant deadline = session_->deadline();
  bool can_repeat = true;
  auto done = at_holder<WriteDone>(
      *session_, options.name, Burden::bytes,
      [&](const HolderAddress& holder, Instant) -> Result<WriteDone> {
        PutAttempt attempt(*session_, options, request, source, progress);
        auto result = attempt.run(holder, deadline);
        if (result || !attempt.bytes_were_read()) return result;
        if (!may_retry(result.error()) || source.rewind()) return result;
        can_repeat = false;
        // Without the bytes there is no other try; the code says that the effect is unknown.
        return Error{ErrorCode::failed, result.error().detail +
                                            " (standard input cannot be read again; the image may "
                                            "or may not be stored)"};
      });
  if (done && options.wait_all && done->stored && done->copies < done->copies_wanted) {
    WriteDone fewer = done.value();
    fewer.code = ErrorCode::fewer_copies;
    return fewer;
  }
  return done;
}

}  // namespace pixmesh
