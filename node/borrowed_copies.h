#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/temp_path.h"
#include "replication/fetch.h"
#include "routing/run_messages.h"

namespace pixmesh {

inline constexpr std::uint32_t borrowed_disk = 0;  // where borrowed files lie

/// Brings the bytes of an image that this node does not hold into a temp file, for runs. They are
/// compared with the image's digest. The file is nobody's replica: no record names it, and a
/// restart sweeps it.
class BorrowCopy : public Operation {
 public:
  /// @param input  its sources are asked in turn.
  BorrowCopy(OperationId id, const MeshView& mesh, RunInput input);
  Effects start(Instant now) override { return fetch_.start(now); }
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_bulk(Instant now, const BulkEnd& from, const BulkMessage& message,
                  const std::optional<ChunkRef>& chunk) override;
  Effects on_deadline(Instant now) override { return fetch_.on_deadline(now); }
  std::optional<Instant> next_deadline() const override { return fetch_.next_deadline(); }
  std::optional<StreamId> receives() const override { return fetch_.receives(); }
  bool finished() const override { return fetch_.done(); }

  [[nodiscard]] const Digest& digest() const { return digest_; }
  [[nodiscard]] std::optional<TempId> copy() const;
  [[nodiscard]] const std::string& detail() const { return fetch_.detail(); }

 private:
  Digest digest_;
  Fetch fetch_;
};

struct BorrowedOptions {
  Duration kept_for = 30s;                      // since the last run that used it
  std::uint64_t bytes_max = 2ULL * 1024 << 20;  // of all copies
  std::size_t count_max = 64;
};

/// The images that this node has borrowed: which are here, which are on their way, and how long
/// they stay. A copy that runs use stays; one that nobody used for half a minute goes, and when
/// there is no room for another, the one that was not used for longest.
class BorrowedCopies {
 public:
  explicit BorrowedCopies(BorrowedOptions options = {}) : options_(options) {}

  enum class Found : std::uint8_t { here, coming, to_fetch, no_room };
  /// A run needs this image: it counts as used until `release`, but for `no_room`. `to_fetch`: the
  /// owner begins to fetch it; it is `coming` from then on.
  [[nodiscard]] Found use(Instant now, const Digest& image, std::uint64_t bytes);
  void release(Instant now, const Digest& image);

  void on_fetched(Instant now, const Digest& image, TempId copy);
  void on_failed(const Digest& image);
  [[nodiscard]] bool has(const Digest& image) const;
  [[nodiscard]] std::optional<TempId> copy_of(const Digest& image) const;

  void on_deadline(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  /// Files that are to be dropped.
  [[nodiscard]] std::vector<TempId> take_dropped();

 private:
  struct Copy {
    std::uint64_t bytes = 0;
    std::optional<TempId> file;  // none while it is coming
    std::uint32_t users = 0;
    Instant used_at;
  };
  [[nodiscard]] bool make_room(std::uint64_t bytes);
  void drop(std::map<Digest, Copy>::iterator place);

  BorrowedOptions options_;
  std::map<Digest, Copy> copies_;
  std::uint64_t bytes_ = 0;
  std::vector<TempId> dropped_;
};

}  // namespace pixmesh
