#include "membership/record_exchange.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/invariant.h"
#include "base/limits.h"

namespace pixmesh {
namespace {

std::uint64_t short_settings_hash(const MeshSettings& settings) {
  const Digest hash = settings_hash(settings);
  std::uint64_t word = 0;
  for (std::size_t i = 8; i-- > 0;) word = (word << 8) | hash.raw[i];
  return word;
}

bool is_empty(const RecordPush& push) {
  return !push.settings && push.records.empty() && push.evictions.empty() &&
         !push.settings_wanted && push.wanted.empty();
}

/// Merges the parts of one push, and keeps what was new here.
class Merger {
 public:
  Merger(MemberTable& table, NodeId from, RecordExchange::Effects& out)
      : table_(table), from_(from), out_(out), epoch_before_(table.epoch()) {}

  void merge(const MeshSettings& settings) {
    if (!adopted(table_.merge(settings), {})) return;
    changed_.settings = true;
    news_.settings = settings;
  }
  void merge(const MemberRecord& record) {
    if (!adopted(table_.merge(record), record.node)) return;
    changed_.nodes.push_back(record.node);
    news_.records.push_back(record);
  }
  void merge(const Eviction& eviction) {
    if (!adopted(table_.merge(eviction), eviction.node)) return;
    changed_.nodes.push_back(eviction.node);
    news_.evictions.push_back(eviction);
  }

  /// Reports the change, if there was one. @returns what was new here.
  RecordPush finish() {
    if (!changed_.settings && changed_.nodes.empty()) return {};
    std::ranges::sort(changed_.nodes);
    const auto doubles = std::unique(changed_.nodes.begin(), changed_.nodes.end());
    changed_.nodes.erase(doubles, changed_.nodes.end());
    changed_.epoch = table_.epoch() != epoch_before_;
    out_.push_back(std::move(changed_));
    return std::move(news_);
  }

 private:
  bool adopted(const Merge& merge, NodeId about) {
    switch (merge.outcome) {
      case MergeOutcome::ignored:
        return false;
      case MergeOutcome::adopted:
        return true;
      case MergeOutcome::own_record_challenged:
        out_.push_back(OwnRecordChallenged{merge.generation, false});
        return false;
      case MergeOutcome::own_evicted:
        out_.push_back(OwnRecordChallenged{merge.generation, true});
        return true;
      default:
        out_.push_back(RecordRefused{from_, about, merge.outcome});
        return false;
    }
  }

  MemberTable& table_;
  NodeId from_;
  RecordExchange::Effects& out_;
  Epoch epoch_before_;
  TableChanged changed_;
  RecordPush news_;
};

}  // namespace

RecordExchange::RecordExchange(MemberTable& table, RecordExchangeOptions options, Rng rng)
    : table_(&table), options_(options), rng_(rng) {}

void RecordExchange::set_alive(Instant now, std::vector<NodeId> alive) {
  alive_ = std::move(alive);
  std::erase(alive_, table_->self());
  if (alive_.empty()) {
    next_comparison_.reset();
  } else if (!next_comparison_) {
    plan_comparison(now);
  }
}

void RecordExchange::plan_comparison(Instant now) {
  // Spread over half an interval, so that a mesh which started at once does not compare at once.
  const auto half = static_cast<std::uint64_t>((options_.interval / 2).count());
  next_comparison_ =
      now + options_.interval * 3 / 4 + Duration(static_cast<std::int64_t>(rng_.below(half + 1)));
}

RecordExchange::Effects RecordExchange::on_tables_differ(Instant now, NodeId with) {
  Effects out;
  if (!pause_over(now, with)) return out;
  if (table_->settings() == nullptr) joining_ = Joining{with, now + options_.join_retry};
  offer(with, out);
  return out;
}

bool RecordExchange::pause_over(Instant now, NodeId peer) {
  std::erase_if(pauses_,
                [&](const Pause& one) { return one.until + options_.peer_pause_max < now; });
  const TableDigest digest = table_->table_digest();
  const auto pause = std::ranges::find(pauses_, peer, &Pause::peer);
  if (pause == pauses_.end()) {
    pauses_.push_back(Pause{peer, now + options_.peer_pause, options_.peer_pause, digest});
    return true;
  }
  if (now < pause->until) return false;
  // A difference that no exchange removes (a full table, an unknown signer) must not cost for ever.
  const bool fruitless = pause->digest == digest;
  pause->length =
      fruitless ? std::min(2 * pause->length, options_.peer_pause_max) : options_.peer_pause;
  pause->until = now + pause->length;
  pause->digest = digest;
  return true;
}

void RecordExchange::offer(NodeId to, Effects& out) const {
  RecordOffer page;
  page.digest = table_->table_digest();
  page.has_stamps = true;
  if (const MeshSettings* settings = table_->settings()) {
    page.settings_generation = settings->generation;
    page.settings_hash = short_settings_hash(*settings);
  }
  while (true) {
    page.stamps = table_->stamps(page.after, page_entries_max);
    page.is_last = page.stamps.size() < page_entries_max;
    out.push_back(SendRecords{to, page});
    if (page.is_last) return;
    page.after = page.stamps.back().node;
  }
}

RecordExchange::Effects RecordExchange::on_offer(Instant now, NodeId from,
                                                 const RecordOffer& offer) {
  if (offer.digest == table_->table_digest()) return {};
  if (!offer.has_stamps) return on_tables_differ(now, from);
  RecordPush push;
  const MeshSettings* settings = table_->settings();
  const std::uint64_t generation = settings != nullptr ? settings->generation : 0;
  const bool same = settings != nullptr && generation == offer.settings_generation &&
                    short_settings_hash(*settings) == offer.settings_hash;
  if (settings != nullptr && !same && generation >= offer.settings_generation) {
    push.settings = *settings;
  }
  push.settings_wanted =
      !same && offer.settings_generation >= std::max<std::uint64_t>(generation, 1);
  answer_stamps(offer, push);
  Effects out;
  send_in_pages(from, std::move(push), out);
  return out;
}

void RecordExchange::answer_stamps(const RecordOffer& offer, RecordPush& push) const {
  // Walks both sorted lists of the page's range at once.
  std::vector<MemberStamp> ours = table_->stamps(offer.after, members_max);
  if (!offer.is_last && !offer.stamps.empty()) {
    const NodeId end = offer.stamps.back().node;
    std::erase_if(ours, [end](const MemberStamp& stamp) { return stamp.node > end; });
  }
  auto own = ours.begin();
  for (const MemberStamp& theirs : offer.stamps) {
    for (; own != ours.end() && own->node < theirs.node; ++own) add_facts(own->node, push);
    MemberStamp mine{theirs.node};
    if (own != ours.end() && own->node == theirs.node) mine = *own++;
    if (mine == theirs) continue;
    const bool tie = mine.generation == theirs.generation && mine.short_hash != theirs.short_hash;
    const bool we_know = mine.generation > theirs.generation || mine.evicted > theirs.evicted ||
                         mine.given_up > theirs.given_up;
    const bool they_know = theirs.generation > mine.generation || theirs.evicted > mine.evicted ||
                           theirs.given_up > mine.given_up;
    if (we_know || tie) add_facts(mine.node, push);
    if (they_know || tie) push.wanted.push_back(mine.node);
  }
  for (; own != ours.end(); ++own) add_facts(own->node, push);
}

void RecordExchange::add_facts(NodeId node, RecordPush& push) const {
  if (const MemberRecord* record = table_->find(node)) push.records.push_back(*record);
  for (const Eviction* eviction : {table_->eviction_of(node), table_->giving_up_of(node)}) {
    if (eviction != nullptr) push.evictions.push_back(*eviction);
  }
}

void RecordExchange::send_in_pages(NodeId to, RecordPush push, Effects& out) const {
  if (is_empty(push)) return;
  RecordPush page = push;
  const auto cut = [](auto& list, const auto& all, std::size_t from) {
    const std::size_t start = std::min(from, all.size());
    const std::size_t end = std::min<std::size_t>(start + page_entries_max, all.size());
    list.assign(all.begin() + static_cast<std::ptrdiff_t>(start),
                all.begin() + static_cast<std::ptrdiff_t>(end));
  };
  const std::size_t longest =
      std::max({push.records.size(), push.evictions.size(), push.wanted.size(), std::size_t{1}});
  // Records first: an eviction counts only once its signer is known.
  for (std::size_t from = 0; from < longest; from += page_entries_max) {
    cut(page.records, push.records, from);
    cut(page.evictions, push.evictions, from);
    cut(page.wanted, push.wanted, from);
    out.push_back(SendRecords{to, page});
    page.settings.reset();
    page.settings_wanted = false;
  }
}

RecordExchange::Effects RecordExchange::on_push(Instant, NodeId from, const RecordPush& push) {
  Effects out;
  Merger merger(*table_, from, out);
  // A new node needs the settings to judge records; a later re-signing needs its signer's record.
  const bool settings_first = table_->settings() == nullptr;
  if (push.settings && settings_first) merger.merge(*push.settings);
  for (const MemberRecord& record : push.records) merger.merge(record);
  for (const Eviction& eviction : push.evictions) merger.merge(eviction);
  if (push.settings && !settings_first) merger.merge(*push.settings);
  const RecordPush news = merger.finish();
  if (push.is_news) pass_on(from, news, out);

  RecordPush answer;
  for (const NodeId node : push.wanted) add_facts(node, answer);
  if (push.settings_wanted && table_->settings() != nullptr) answer.settings = *table_->settings();
  send_in_pages(from, std::move(answer), out);
  return out;
}

RecordExchange::Effects RecordExchange::on_message(Instant now, NodeId from,
                                                   const RecordMessage& message) {
  if (const auto* offer = std::get_if<RecordOffer>(&message)) return on_offer(now, from, *offer);
  return on_push(now, from, *std::get_if<RecordPush>(&message));
}

RecordExchange::Effects RecordExchange::on_deadline(Instant now) {
  Effects out;
  if (joining_ && table_->settings() != nullptr) joining_.reset();
  if (joining_ && joining_->retry_at <= now) {
    joining_->retry_at = now + options_.join_retry;
    offer(joining_->through, out);
  }
  if (!next_comparison_ || *next_comparison_ > now) return out;
  plan_comparison(now);
  RecordOffer digest_only;
  digest_only.digest = table_->table_digest();
  for (const NodeId to : pick(1, table_->self())) out.push_back(SendRecords{to, digest_only});
  return out;
}

RecordExchange::Effects RecordExchange::announce(NodeId node) {
  RecordPush news;
  add_facts(node, news);
  Effects out;
  pass_on(table_->self(), news, out);
  return out;
}

RecordExchange::Effects RecordExchange::announce_settings() {
  RecordPush news;
  if (table_->settings() != nullptr) news.settings = *table_->settings();
  Effects out;
  pass_on(table_->self(), news, out);
  return out;
}

void RecordExchange::pass_on(NodeId from, const RecordPush& news, Effects& out) {
  if (is_empty(news)) return;
  RecordPush copy = news;
  copy.is_news = true;
  for (const NodeId to : pick(options_.news_fanout, from)) out.push_back(SendRecords{to, copy});
}

std::vector<NodeId> RecordExchange::pick(std::size_t count, NodeId without) {
  std::vector<NodeId> picked;
  for (std::size_t tries = 2 * count + 8; tries > 0 && picked.size() < count; --tries) {
    if (alive_.empty()) break;
    const NodeId node = alive_[rng_.below(alive_.size())];
    if (node != without && std::ranges::find(picked, node) == picked.end()) picked.push_back(node);
  }
  return picked;
}

std::optional<Instant> RecordExchange::next_deadline() const {
  if (!joining_) return next_comparison_;
  return next_comparison_ ? std::min(*next_comparison_, joining_->retry_at) : joining_->retry_at;
}

void RecordExchange::check_invariants() const {
  invariant(next_comparison_.has_value() == !alive_.empty(), "a node with peers compares tables");
}

}  // namespace pixmesh
