#include "replication/scrub.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace pixmesh {
namespace {

constexpr std::string_view fact_key = "scrub";

Bytes key_bytes() {
  const ByteView key = bytes_of(fact_key);
  return {key.begin(), key.end()};
}

Digest last_digest() {
  Digest last;
  last.raw.fill(0xff);
  return last;
}

/// The next digest in order; all zero after the last one.
Digest successor_of(Digest digest) {
  for (auto byte = digest.raw.rbegin(); byte != digest.raw.rend() && ++*byte == 0; ++byte) {
  }
  return digest;
}

}  // namespace

Effects Scrub::start(Instant now) {
  last_at_ = looked_at_ = remembered_at_ = now;
  return {UseDisk{partition_, LoadTable{Table::facts}}};
}

Effects Scrub::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  if (!answer) {  // a failed disk: looked at again later, should it come back
    step_ = Step::pause;
    total_bytes_ = 0;
    looked_at_ = now;
    return {};
  }
  switch (step_) {
    case Step::load:
      if (const auto* facts = std::get_if<TableRows>(&answer.value())) restore(*facts);
      return look(now);
    case Step::look:
      total_bytes_ = 0;
      if (const auto* summary = std::get_if<DiskSummary>(&answer.value())) {
        for (const PartitionSummary& one : summary->partitions) total_bytes_ += one.bytes;
      }
      return verify_if_due(now);
    case Step::verify:
      if (const auto* verified = std::get_if<BlobVerified>(&answer.value())) {
        return on_verified(now, *verified);
      }
      return {};
    case Step::remember:
      return verify_if_due(now);
    case Step::pause:
      return {};
  }
  return {};
}

Effects Scrub::look(Instant now) {
  step_ = Step::look;
  looked_at_ = now;
  return {UseDisk{partition_, Summarize{}}};
}

Effects Scrub::verify_if_due(Instant now) {
  step_ = Step::pause;
  const auto due = next_deadline();
  if (total_bytes_ == 0 || !due || now < *due || now >= looked_at_ + options_.look_every) return {};
  step_ = Step::verify;
  begun_at_ = now;
  return {UseDisk{partition_, VerifyBlob{next_, last_digest()}}};
}

Effects Scrub::on_verified(Instant now, const BlobVerified& verified) {
  Effects effects;
  const bool none_left = verified.digest == Digest{};
  if (!none_left) {
    last_at_ = begun_at_;
    last_size_ = verified.size;
  }
  if (none_left && next_ == Digest{}) total_bytes_ = 0;  // all were dropped since the last look
  next_ = none_left ? Digest{} : successor_of(verified.digest);
  if (!verified.intact) ++damaged_;
  if (!verified.intact || verified.marked) {
    effects.push_back(SuspectBytes{verified.partition, verified.digest});
  }
  const bool anew = std::exchange(begin_anew_, false);
  if (anew) {
    next_ = Digest{};
  } else if (next_ == Digest{}) {
    ++passes_;
    hurried_ = false;
  }
  const bool at_an_end = next_ == Digest{};
  if (at_an_end || now >= remembered_at_ + options_.remember_every) {
    append(effects, remember(now));
  } else {
    append(effects, verify_if_due(now));
  }
  return effects;
}

Effects Scrub::remember(Instant now) {
  step_ = Step::remember;
  remembered_at_ = now;
  CanonicalBytes value;
  value.u64(passes_).raw(next_.raw);
  return {UseDisk{partition_, PutValues{{{Table::facts, key_bytes(), value.bytes()}}}}};
}

void Scrub::restore(const TableRows& facts) {
  const Bytes key = key_bytes();
  for (const auto& [name, value] : facts.rows) {
    if (name != key || value.size() != sizeof(std::uint64_t) + next_.raw.size()) continue;
    passes_ = little_endian(ByteView(value).first(sizeof(std::uint64_t)));
    std::copy(value.begin() + sizeof(std::uint64_t), value.end(), next_.raw.begin());
  }
}

Effects Scrub::on_deadline(Instant now) {
  const auto due = next_deadline();
  if (!due || now < *due) return {};
  return now >= looked_at_ + options_.look_every ? look(now) : verify_if_due(now);
}

std::optional<Instant> Scrub::next_deadline() const {
  if (step_ != Step::pause) return std::nullopt;
  const Instant look_at = looked_at_ + options_.look_every;
  if (total_bytes_ == 0) return look_at;
  const std::uint64_t parts =
      std::max<std::uint64_t>(total_bytes_ / std::max<std::uint64_t>(last_size_, 1), 1);
  const Duration pause =
      hurried_ || last_size_ == 0 ? Duration{} : options_.period / static_cast<std::int64_t>(parts);
  return std::min(last_at_ + pause, look_at);
}

Effects Scrub::hurry(Instant now) {
  if (hurried_) return {};
  hurried_ = true;
  if (step_ == Step::verify || step_ == Step::load) {
    begin_anew_ = true;
    return {};
  }
  next_ = Digest{};
  return step_ == Step::pause ? look(now) : Effects{};
}

Scrub::Progress Scrub::progress() const {
  const std::uint32_t place = std::uint32_t{next_.raw[0]} << 8 | next_.raw[1];
  return {passes_, damaged_, place * 1000 >> 16, hurried_};
}

}  // namespace pixmesh
