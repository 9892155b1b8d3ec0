#include "host/disk/journal_folder.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

#include "disk_rig.h"

using namespace pixmesh;
using storage_test::TempFolder;

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t bytes_may = 1ULL << 20;
constexpr std::uint64_t one_hour = 3'600'000'000;

RequestId journal_request(std::uint32_t number) {
  return RequestId{{static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8), 7}};
}

class FoundBox : public EventSink {
 public:
  void post(HostEvent event) override {
    const std::scoped_lock lock(mutex_);
    found_.push_back(std::get<JournalFound>(std::move(event)));
    arrived_.notify_all();
  }
  JournalFound next() {
    std::unique_lock lock(mutex_);
    REQUIRE(arrived_.wait_for(lock, 10s, [this] { return !found_.empty(); }));
    JournalFound first = std::move(found_.front());
    found_.erase(found_.begin());
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<JournalFound> found_;
};

/// A journal in a folder of its own, at a time that the test sets; `end` and `begin` are a process.
class Journal {
 public:
  explicit Journal(std::uint64_t bytes_max = bytes_may) : bytes_max_(bytes_max) { begin(); }

  void begin() {
    JournalFolderOptions options;
    options.folder = folder();
    options.bytes_max = bytes_max_;
    options.wall_micros = [this] { return now_.load(); };
    store_ = std::make_unique<JournalFolder>(options, box_);
  }
  void end() { store_.reset(); }
  void restart() {
    end();
    begin();
  }
  void pass(std::uint64_t micros) { now_ += micros; }

  void append(std::uint32_t request, std::size_t size, std::uint8_t fill) {
    CHECK(store_->append({{journal_request(request), now_, Bytes(size, fill)}}));
  }
  std::vector<Bytes> rows_of(std::uint32_t request) {
    REQUIRE(store_->find(OperationId{++last_}, journal_request(request)));
    JournalFound found = box_.next();
    CHECK(found.ticket == OperationId{last_});
    return found.rows;
  }
  [[nodiscard]] fs::path folder() const { return temp_.path() / "journal"; }
  [[nodiscard]] std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    for (const auto& entry : fs::directory_iterator(folder())) all.push_back(entry.path());
    return all;
  }
  [[nodiscard]] std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const fs::path& file : files()) sum += fs::file_size(file);
    return sum;
  }

 private:
  TempFolder temp_;
  FoundBox box_;
  std::uint64_t bytes_max_;
  std::atomic<std::uint64_t> now_{
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count())};
  std::uint64_t last_ = 0;
  std::unique_ptr<JournalFolder> store_;
};

}  // namespace

TEST_CASE("journal: rows of a request are found in their order, by the next process too") {
  Journal journal;
  journal.append(1, 100, 1);
  journal.append(2, 100, 2);
  journal.append(1, 200, 3);
  CHECK(journal.rows_of(1) == std::vector<Bytes>{Bytes(100, 1), Bytes(200, 3)});

  journal.restart();
  journal.append(1, 5, 4);

  CHECK(journal.rows_of(1) == std::vector<Bytes>{Bytes(100, 1), Bytes(200, 3), Bytes(5, 4)});
  CHECK(journal.rows_of(3).empty());
}

TEST_CASE("journal: it never takes more bytes than it may, and loses the oldest rows") {
  Journal journal;
  for (std::uint32_t i = 0; i < 3'000; ++i) journal.append(i, 1'000, 1);
  CHECK(journal.rows_of(0).empty());
  CHECK(journal.rows_of(2'999).size() == 1);
  CHECK(journal.rows_of(2'200).size() == 1);
  CHECK(journal.bytes() <= bytes_may);
  CHECK(journal.bytes() > bytes_may * 3 / 4);

  journal.restart();
  for (std::uint32_t i = 3'000; i < 6'000; ++i) journal.append(i, 1'000, 1);

  CHECK(journal.rows_of(5'999).size() == 1);
  CHECK(journal.bytes() <= bytes_may);
}

TEST_CASE("journal: rows are forgotten after a day, and their files go") {
  Journal journal;
  journal.append(1, 100, 1);
  CHECK(journal.rows_of(1).size() == 1);
  journal.pass(2 * one_hour);
  journal.append(2, 100, 2);
  CHECK(journal.rows_of(2).size() == 1);
  CHECK(journal.files().size() == 2);

  journal.pass(23 * one_hour);
  CHECK(journal.rows_of(1).empty());
  CHECK(journal.rows_of(2).size() == 1);
  journal.append(3, 100, 3);
  CHECK(journal.rows_of(3).size() == 1);
  CHECK(journal.files().size() == 2);  // that of 2 and that of 3

  journal.pass(30 * one_hour);
  journal.restart();
  CHECK(journal.rows_of(3).empty());
  CHECK(journal.files().empty());
}

TEST_CASE("journal: what was torn or spoilt is skipped, and what was whole before it is found") {
  for (const int cut : {1, 50, 130}) {
    CAPTURE(cut);
    Journal journal;
    for (std::uint32_t i = 0; i < 9; ++i) journal.append(i, 100, 1);
    journal.end();
    REQUIRE(journal.files().size() == 1);
    const fs::path file = journal.files().front();
    fs::resize_file(file, fs::file_size(file) - static_cast<std::uint64_t>(cut));
    journal.begin();
    journal.append(20, 100, 2);

    CHECK(journal.rows_of(6).size() == 1);
    CHECK(journal.rows_of(8).empty());
    CHECK(journal.rows_of(20).size() == 1);
  }
  Journal journal;
  for (std::uint32_t i = 0; i < 9; ++i) journal.append(i, 100, 1);
  journal.end();
  std::fstream file(journal.files().front(), std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(5 * 136 + 60);  // in the bytes of the sixth row
  file.put('x');
  file.close();
  journal.begin();

  CHECK(journal.rows_of(4).size() == 1);
  CHECK(journal.rows_of(5).empty());
}

TEST_CASE("journal: a row that is too long is not kept, and others of its batch are") {
  Journal journal;
  journal.append(1, journal_row_max + 1, 1);
  journal.append(2, journal_row_max, 2);

  CHECK(journal.rows_of(1).empty());
  CHECK(journal.rows_of(2).size() == 1);
}
