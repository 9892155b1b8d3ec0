#include "host/disk/result_folder.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <deque>
#include <fstream>
#include <mutex>

#include "disk_rig.h"

using namespace pixmesh;
using storage_test::TempFolder;

namespace {

namespace fs = std::filesystem;

const Digest key{{0xab, 0xcd, 1}};

/// Gives what the folder tells, in its order.
class KeptBox : public EventSink {
 public:
  void post(HostEvent event) override {
    const std::scoped_lock lock(mutex_);
    auto* kept = std::get_if<ResultKept>(&event);
    if (kept == nullptr) {
      all_found_after_ = told_count_;
      return;
    }
    ++told_count_;
    told_.push_back(std::move(*kept));
    arrived_.notify_all();
  }
  [[nodiscard]] std::optional<ResultKept> next(std::chrono::milliseconds limit = 10s) {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, limit, [this] { return !told_.empty(); })) return std::nullopt;
    ResultKept first = std::move(told_.front());
    told_.pop_front();
    return first;
  }

  /// How many were told before the word that all were found; none: that has not come.
  [[nodiscard]] std::optional<std::size_t> all_found_after() {
    const std::scoped_lock lock(mutex_);
    return all_found_after_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<ResultKept> told_;
  std::size_t told_count_ = 0;
  std::optional<std::size_t> all_found_after_;
};

fs::path write_output(const fs::path& folder, const std::string& text) {
  const fs::path path = folder / "out.jpg";
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  return path;
}

std::string text_in(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

ResultToKeep result_of(const Digest& one, const fs::path& output) {
  return {one, output.string(), "jpg", {1, 2, 3}};
}

/// What a new process finds, once it has looked through everything.
std::vector<ResultKept> found_in(const fs::path& disk) {
  KeptBox box;
  ResultFolder folder(disk, box);
  folder.keep({Digest{{0xff}}, "/nonexistent", "jpg", {}});  // comes behind all that lie there
  std::vector<ResultKept> found;
  for (;;) {
    const auto kept = box.next();
    if (!kept || kept->key == Digest{{0xff}}) {
      CHECK(box.all_found_after() == found.size());
      return found;
    }
    found.push_back(*kept);
  }
}

}  // namespace

TEST_CASE("results: an output is kept under its key, also when its run's folder goes") {
  const TempFolder disk;
  const std::string bytes(2'500'000, 'x');
  const fs::path output = write_output(disk.path(), bytes);
  {
    KeptBox box;
    ResultFolder folder(disk.path(), box);
    folder.keep(result_of(key, output));
    const auto kept = box.next();
    REQUIRE(kept);
    REQUIRE_MESSAGE(kept->kept.has_value(), kept->kept.error().detail);
    CHECK_FALSE(kept->found);
    CHECK(kept->kept->size == bytes.size());
    CHECK(kept->kept->checksums.size() == 3);
    fs::remove(output);
  }

  CHECK(text_in(disk.path() / result_path(key, "jpg")) == bytes);
  const auto found = found_in(disk.path());
  REQUIRE(found.size() == 1);
  CHECK(found[0].found);
  CHECK(found[0].key == key);
  CHECK(found[0].extension == "jpg");
  CHECK(found[0].facts == Bytes{1, 2, 3});
  CHECK(found[0].kept->checksums[2] ==
        chunk_checksum(bytes_of(bytes).subspan(2 * chunk_bytes_max)));
}

TEST_CASE("results: what was not written to its end is no result, and is tidied away") {
  const TempFolder disk;
  const fs::path output = write_output(disk.path(), "bytes");
  {
    KeptBox box;
    ResultFolder folder(disk.path(), box);
    for (std::uint8_t number = 1; number < 5; ++number) {
      folder.keep(result_of(Digest{{0xab, number}}, output));
      REQUIRE(box.next()->kept.has_value());
    }
  }
  const auto path = [&](std::uint8_t number) {
    return disk.path() / result_path(Digest{{0xab, number}}, "jpg");
  };
  const auto facts = [&](std::uint8_t number) {
    return path(number).parent_path() / (path(number).stem().string() + "-facts");
  };
  fs::remove(facts(1));                                    // bytes without facts
  fs::remove(path(2));                                     // facts without bytes
  { std::ofstream(path(3), std::ios::app) << "more"; }     // another length
  fs::resize_file(facts(4), fs::file_size(facts(4)) - 1);  // torn facts

  CHECK(found_in(disk.path()).empty());

  for (std::uint8_t number = 1; number < 5; ++number) {
    CHECK_FALSE(fs::exists(path(number)));
    CHECK_FALSE(fs::exists(facts(number)));
  }
}

TEST_CASE("results: a result that is dropped or written again leaves nothing of the old one") {
  const TempFolder disk;
  {
    KeptBox box;
    ResultFolder folder(disk.path(), box);
    folder.keep(result_of(key, write_output(disk.path(), "old")));
    REQUIRE(box.next()->kept.has_value());
    fs::remove(disk.path() / "out.jpg");
    folder.keep(result_of(key, write_output(disk.path(), "the new one")));
    REQUIRE(box.next()->kept->size == 11);
    CHECK(text_in(disk.path() / result_path(key, "jpg")) == "the new one");
    folder.drop(key, "jpg");
  }

  CHECK(found_in(disk.path()).empty());
  CHECK_FALSE(fs::exists(disk.path() / result_path(key, "jpg")));
}

TEST_CASE("results: an output that is gone, or leads elsewhere, is not kept") {
  const TempFolder disk;
  KeptBox box;
  ResultFolder folder(disk.path(), box);
  folder.keep({key, (disk.path() / "never").string(), "jpg", {}});
  CHECK_FALSE(box.next()->kept.has_value());

  fs::create_symlink("/etc/passwd", disk.path() / "out.png");
  folder.keep({key, (disk.path() / "out.png").string(), "png", {}});

  CHECK_FALSE(box.next()->kept.has_value());
  CHECK_FALSE(fs::exists(disk.path() / result_path(key, "png")));
}

TEST_CASE("host: facts that are given later are found with the bytes that were kept") {
  TempFolder folder;
  {
    KeptBox box;
    ResultFolder results(folder.path(), box);
    results.keep(result_of(key, write_output(folder.path(), "the bytes")));
    const auto kept = box.next();
    REQUIRE(kept);
    results.keep_facts({key, "jpg", kept->kept.value(), {4, 5}});
    results.keep_facts({Digest{{1}}, "jpg", kept->kept.value(), {6}});  // of what is not there
  }

  const std::vector<ResultKept> found = found_in(folder.path());

  REQUIRE(found.size() == 1);
  CHECK(found[0].facts == Bytes{4, 5});
  CHECK(found[0].kept.value().size == 9);
}
