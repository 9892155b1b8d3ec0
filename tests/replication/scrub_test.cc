#include <doctest/doctest.h>

#include <set>

#include "base/digest.h"
#include "replication/scrub.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

constexpr PartitionId partition{1};
constexpr std::uint64_t blob_bytes = 10'000'000;

/// A scrub and the disk it reads, in which every operation is answered at once.
class ScrubRig {
 public:
  explicit ScrubRig(std::size_t blobs, Scrub::Options options = {}) : options_(options) {
    for (std::size_t i = 0; i < blobs; ++i) {
      digests_.push_back(digest_of(Bytes{static_cast<std::uint8_t>(i)}));
    }
    std::sort(digests_.begin(), digests_.end());
    restart();
  }

  void restart() {
    scrub_.emplace(OperationId{1}, partition, options_);
    perform(scrub_->start(now_));
  }
  void hurry() { perform(scrub_->hurry(now_)); }
  /// Lets time run on to every deadline until `until`.
  void run_to(Duration until) {
    while (scrub_->next_deadline() && *scrub_->next_deadline() <= Instant{} + until) {
      now_ = std::max(now_, *scrub_->next_deadline());
      REQUIRE(++steps_ < 100'000);
      perform(scrub_->on_deadline(now_));
    }
    now_ = Instant{} + until;
  }

  std::vector<Digest> digests_;
  std::set<Digest> rotten_;
  std::set<Digest> marked_;
  std::vector<Digest> read_;
  std::vector<Digest> suspected_;
  std::optional<Scrub> scrub_;
  Duration read_takes_{};

 private:
  void perform(const Effects& effects) {
    for (const Effect& effect : effects) {
      if (const auto* suspect = std::get_if<SuspectBytes>(&effect)) {
        suspected_.push_back(suspect->digest);
      } else if (const auto* use = std::get_if<UseDisk>(&effect)) {
        const DiskAnswer answered = answer(use->operation);
        perform(scrub_->on_disk(now_, answered));
      }
    }
  }
  DiskAnswer answer(const DiskOperation& operation) {
    if (const auto* verify = std::get_if<VerifyBlob>(&operation)) return answer_to(*verify);
    if (std::holds_alternative<LoadTable>(operation)) return facts_;
    if (const auto* put = std::get_if<PutValues>(&operation)) {
      facts_.rows.assign({{put->rows.front().key, *put->rows.front().value}});
    }
    DiskSummary summary;
    summary.partitions.emplace_back();
    summary.partitions.front().bytes = digests_.size() * blob_bytes;
    if (std::holds_alternative<Summarize>(operation)) return summary;
    return Done{};
  }
  BlobVerified answer_to(const VerifyBlob& asked) {
    const auto at = std::lower_bound(digests_.begin(), digests_.end(), asked.first);
    BlobVerified verified;
    if (at == digests_.end()) return verified;
    read_.push_back(*at);
    now_ += read_takes_;
    verified.digest = *at;
    verified.size = blob_bytes;
    verified.intact = !rotten_.contains(*at);
    verified.marked = marked_.contains(*at);
    return verified;
  }

  Scrub::Options options_;
  Instant now_{};
  TableRows facts_;
  int steps_ = 0;
};

}  // namespace

TEST_CASE("scrub: a pass reads every copy once and takes its period") {
  ScrubRig rig(50, {.period = 100h});
  rig.run_to(98h);
  CHECK(rig.scrub_->progress().passes == 0);
  CHECK(rig.read_ == rig.digests_);
  rig.run_to(101h);
  CHECK(rig.scrub_->progress().passes == 1);
  rig.run_to(500h);
  CHECK(rig.read_.size() >= 248);
  CHECK(rig.read_.size() <= 252);
}

TEST_CASE("scrub: the time that reading takes is part of the period, until it is all of it") {
  for (const Duration read_takes : {1h, 5h}) {
    ScrubRig rig(20, {.period = 100h});
    rig.read_takes_ = read_takes;
    rig.run_to(108h);
    CHECK(rig.scrub_->progress().passes == 1);
  }
  ScrubRig slow(20, {.period = 100h});
  slow.read_takes_ = 10h;
  slow.run_to(202h);
  CHECK(slow.read_.size() >= 20);
}

TEST_CASE("scrub: rotten copies are suspected, in every pass") {
  ScrubRig rig(20, {.period = 100h});
  rig.rotten_ = {rig.digests_[3], rig.digests_[19]};
  rig.run_to(199h);
  const std::vector<Digest> once{rig.digests_[3], rig.digests_[19]};
  CHECK(rig.suspected_ == std::vector<Digest>{once[0], once[1], once[0], once[1]});
  CHECK(rig.scrub_->progress().damaged == 4);
}

TEST_CASE("scrub: a copy that is whole and marked as damaged is looked into, and no damage") {
  ScrubRig rig(20, {.period = 100h});
  rig.marked_ = {rig.digests_[3]};
  rig.run_to(99h);
  CHECK(rig.suspected_ == std::vector<Digest>{rig.digests_[3]});
  CHECK(rig.scrub_->progress().damaged == 0);
}

TEST_CASE("scrub: a restart goes on where the pass was, to the last minute") {
  ScrubRig rig(100, {.period = 100h});
  rig.run_to(40h);
  const std::size_t before = rig.read_.size();
  CHECK(before >= 40);
  rig.restart();
  rig.run_to(99h);
  CHECK(rig.read_.size() <= 101);
  CHECK(std::set<Digest>(rig.read_.begin(), rig.read_.end()).size() == 100);
}

TEST_CASE("scrub: a hurried pass makes no pauses, begins at the beginning, and then rests") {
  ScrubRig rig(100, {.period = 1000h});
  rig.run_to(55h);
  const std::size_t before = rig.read_.size();
  CHECK(before < 10);
  rig.hurry();
  rig.run_to(55h);
  CHECK(rig.read_.size() == before + 100);
  CHECK(rig.scrub_->progress().passes == 1);
  CHECK_FALSE(rig.scrub_->progress().hurried);
  rig.run_to(64h);
  CHECK(rig.read_.size() == before + 100);
}

TEST_CASE("scrub: on a disk that fills up while it waits the pace follows") {
  ScrubRig rig(1, {.period = 100h});
  rig.run_to(1h);
  CHECK(rig.read_.size() == 1);
  for (std::uint32_t i = 0; i < 99; ++i)
    rig.digests_.push_back(digest_of(Bytes{1, 2, std::uint8_t(i)}));
  std::sort(rig.digests_.begin(), rig.digests_.end());
  rig.run_to(203h);
  const std::set<Digest> read(rig.read_.begin(), rig.read_.end());
  CHECK(read.size() == 100);
}

TEST_CASE("scrub: an empty disk is looked at again, and nothing is read") {
  ScrubRig rig(0);
  rig.run_to(100h);
  CHECK(rig.read_.empty());
  CHECK(rig.scrub_->progress().passes == 0);
}
