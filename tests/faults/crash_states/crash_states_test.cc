#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "base/digest.h"
#include "crash_model.h"
#include "disk_rig.h"
#include "host/disk/disk_recovery.h"
#include "host/disk/framed_file.h"

using namespace pixmesh;
using namespace pixmesh::crash_test;
using namespace pixmesh::storage_test;
namespace fs = std::filesystem;

namespace {

/// What one step of the story wants for one name.
struct Wish {
  TestRecord record;
  Bytes bytes;
  bool drop = false;  // the record leaves this disk
};
using Step = std::vector<Wish>;  // done together, so that they share batches

constexpr std::uint64_t opened_mark = 1;
constexpr std::uint64_t first_step_mark = 2;
std::uint64_t begun_mark(std::size_t step) { return first_step_mark + 2 * step; }
std::uint64_t done_mark(std::size_t step) { return first_step_mark + 2 * step + 1; }

/// Uploads, replacements, tombstones, equal bytes under several names, and drops, by chance.
std::vector<Step> story(std::uint64_t seed, std::size_t steps) {
  Rng chance(seed);
  std::map<std::string, TestRecord> latest;
  std::set<std::string> present;
  std::vector<Step> all;
  while (all.size() < steps) {
    Step step;
    std::set<std::string> taken;
    for (std::uint64_t i = 0; i <= chance.below(3); ++i) {
      const auto number = static_cast<std::uint32_t>(chance.below(6));
      const std::string name = "image" + std::to_string(number);
      if (!taken.insert(name).second) continue;
      TestRecord& record = latest[name];
      const std::uint64_t what = chance.below(10);
      if (what == 0 && present.erase(name) == 1) {
        step.push_back({record, {}, true});
        continue;
      }
      Wish wish;
      record = {number % 3, record.version + 1, name, {}, 0};
      if (what > 2) {
        wish.bytes = noise(chance.below(5), 700 + chance.below(4) * 900);
        record.digest = digest_of(wish.bytes);
        record.size = wish.bytes.size();
      }
      wish.record = record;
      present.insert(name);
      step.push_back(std::move(wish));
    }
    all.push_back(std::move(step));
  }
  return all;
}

bool succeeded(DiskRig& rig, const std::vector<OperationId>& tickets) {
  bool all = true;
  for (const OperationId ticket : tickets) {
    const Result<DiskAnswer> answer = rig.answers().wait(ticket);
    if (!answer) MESSAGE(answer.error().detail);
    all &= answer.has_value();
  }
  return all;
}

/// The write order of the product for all wishes of a step side by side.
bool perform(DiskRig& rig, const Step& step, std::uint64_t& last_temp) {
  std::vector<TempId> temps;
  std::array<std::vector<OperationId>, 5> tickets;
  std::vector<ChunkRef> chunks;
  for (const Wish& wish : step) {
    temps.push_back(TempId{++last_temp});
    if (wish.drop) {
      tickets[0].push_back(rig.submit(
          DropRecord{PartitionId{wish.record.partition}, name_digest_of(wish.record.name),
                     encode(wish.record), record_path_of(wish.record),
                     wish.record.digest == Digest{} ? "" : blob_path_of(wish.record.digest)}));
    }
    if (wish.bytes.empty()) continue;
    chunks.push_back(rig.chunk_of(wish.bytes));
    tickets[0].push_back(rig.submit(CreateTemp{temps.back(), true}));
    tickets[0].push_back(rig.submit(AppendChunk{temps.back(), chunks.back()}));
    tickets[0].push_back(rig.submit(SyncTemp{temps.back()}));
  }
  bool good = succeeded(rig, tickets[0]);
  for (const ChunkRef chunk : chunks) rig.chunks().release(chunk);
  for (std::size_t i = 0; i < step.size(); ++i) {
    if (step[i].bytes.empty()) continue;
    tickets[1].push_back(rig.submit(PublishTemp{temps[i], blob_path_of(step[i].record.digest)}));
  }
  good &= succeeded(rig, tickets[1]);
  for (const Wish& wish : step) {
    if (wish.drop) continue;
    tickets[2].push_back(rig.submit(WriteFile{record_path_of(wish.record), encode(wish.record)}));
  }
  good &= succeeded(rig, tickets[2]);
  for (const Wish& wish : step) {
    if (wish.drop) continue;
    std::vector<std::string> paths{record_path_of(wish.record)};
    if (!wish.bytes.empty()) paths.push_back(blob_path_of(wish.record.digest));
    tickets[3].push_back(rig.submit(SyncFolders{std::move(paths)}));
  }
  good &= succeeded(rig, tickets[3]);
  for (const Wish& wish : step) {
    if (!wish.drop) tickets[4].push_back(rig.submit(commit_of(wish.record)));
  }
  return succeeded(rig, tickets[4]) && good;
}

std::vector<FileChange> record_story(const std::vector<Step>& steps) {
  const TempFolder folder(TempFolder::in_memory);
  start_recording(folder.path());
  {
    DiskRig rig(folder.path());
    record_mark(opened_mark);
    std::uint64_t last_temp = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      record_mark(begun_mark(i));
      REQUIRE(perform(rig, steps[i], last_temp));
      record_mark(done_mark(i));
    }
  }
  return stop_recording();
}

/// What a disk may hold once some steps are done and others have begun.
class Expected {
 public:
  Expected(const std::vector<Step>& steps, const std::vector<FileChange>& changes,
           std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (changes[i].kind != FileChange::Kind::mark) continue;
      const std::uint64_t mark = changes[i].offset;
      opened |= mark == opened_mark;
      if (mark < first_step_mark) continue;
      const Step& step = steps[(mark - first_step_mark) / 2];
      const bool done = (mark - first_step_mark) % 2 == 1;
      for (const Wish& wish : step) {
        std::set<std::uint32_t>& versions = versions_[wish.record.name];
        if (versions.empty()) versions.insert(0);
        if (done) versions.clear();
        versions.insert(wish.drop ? 0 : wish.record.version);
      }
    }
  }
  /// `version` 0: the name is not there.
  [[nodiscard]] bool allows(const std::string& name, std::uint32_t version) const {
    const auto found = versions_.find(name);
    return found == versions_.end() ? version == 0 : found->second.contains(version);
  }
  [[nodiscard]] const std::map<std::string, std::set<std::uint32_t>>& names() const {
    return versions_;
  }

  bool opened = false;

 private:
  std::map<std::string, std::set<std::uint32_t>> versions_;
};

Bytes contents_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

std::vector<TestRecord> records_in(const LmdbIndex& index) {
  std::vector<TestRecord> records;
  const Result<RecordPage> page = index.list_names(ListNames{});
  if (!page) return records;
  for (const Bytes& record : page.value().records) records.push_back(decode(record).value());
  return records;
}

/// The first promise that a disk breaks after its start, in words; empty: none.
std::string fault_of(const fs::path& folder, const Expected& expected) {
  auto disk = DiskFolder::open(folder, [](int) { return 0; });
  if (!disk) return "does not open: " + disk.error().detail;
  auto opened = open_and_recover(*disk.value(), 1U << 20, place_of, admit_by_version);
  if (!opened) return "does not start: " + opened.error().detail;
  if (expected.opened && opened->report.index_rebuilt) return "the index was lost";
  if (opened->report.blobs_missing != 0) return "a record has lost its image";

  std::map<std::string, std::uint32_t> present;
  std::set<std::string> blobs;
  std::set<std::string> record_files;
  for (const TestRecord& record : records_in(*opened->index)) {
    present[record.name] = record.version;
    const Result<Bytes> file = read_framed_file(folder / record_path_of(record));
    if (!file || file.value() != encode(record)) return record.name + ": another record file";
    record_files.insert(record_path_of(record));
    if (record.digest == Digest{}) continue;
    blobs.insert(blob_path_of(record.digest));
    const Bytes bytes = contents_of(folder / blob_path_of(record.digest));
    if (digest_of(bytes) != record.digest) return record.name + ": other bytes";
  }
  for (const auto& [name, versions] : expected.names()) present.try_emplace(name, 0);
  for (const auto& [name, version] : present) {
    if (!expected.allows(name, version)) return name + ": version " + std::to_string(version);
  }
  for (const std::string& file : files_below(folder)) {
    if (file.starts_with("tmp/")) return "left in tmp: " + file;
    if (file.starts_with("blobs/") && !blobs.contains(file)) return "nobody names " + file;
    if (file.starts_with("records/") && !record_files.contains(file)) return "unknown " + file;
  }
  return {};
}

std::size_t states_wanted() {
  const char* text = std::getenv("PIXMESH_CRASH_STATES");
  return text != nullptr ? std::strtoul(text, nullptr, 10) : 3'000;
}

}  // namespace

TEST_CASE(
    "crash states: after any loss of power a disk has what it acknowledged, and it is whole") {
  constexpr std::uint64_t stories = 3;
  std::size_t seen = 0;
  for (std::uint64_t seed = 1; seed <= stories; ++seed) {
    const std::vector<Step> steps = story(seed, 12);
    const CrashModel model(record_story(steps));
    REQUIRE(model.size() > 200);
    Rng chance(seed);
    const std::size_t rounds = 1 + states_wanted() / (stories * (model.size() + 1));
    for (std::size_t round = 0; round < rounds; ++round) {
      const auto survival = static_cast<Survival>(std::min<std::size_t>(round, 2));
      for (std::size_t count = 0; count <= model.size(); ++count) {
        const TempFolder folder(TempFolder::in_memory);
        model.lay_out(count, survival, chance, folder.path());
        const Expected expected(steps, model.changes(), count);
        const std::string fault = fault_of(folder.path(), expected);
        ++seen;
        if (fault.empty()) continue;
        FAIL("story " << seed << ", power lost after change " << count << " of " << model.size()
                      << ", round " << round << ": " << fault << "\n(* not durable)\n"
                      << model.story_until(count));
      }
    }
  }
  MESSAGE(seen << " states of 3 stories");
}
