#pragma once

#include <lmdb.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace pixmesh {

/// Thrown inside transactions only; LmdbEnvironment turns it into an Error or a larger map.
struct LmdbFailure {
  int code;
  const char* action;
  bool cut_short = false;  // a write took fewer bytes than it was given, and no call failed
};

/// `no_space`, `corrupt` (the file is no index of ours any more) or `failed`.
[[nodiscard]] Error to_error(const LmdbFailure& failure);

[[nodiscard]] inline ByteView view_of(const MDB_val& bytes) {
  return {static_cast<const std::uint8_t*>(bytes.mv_data), bytes.mv_size};
}

/// Behind each value: XXH3-64 of it, seeded with that of its key. LMDB itself would not notice a
/// bit that flipped.
inline constexpr std::size_t value_sum_bytes = 8;
/// The value, without its sum; nothing if they do not belong together.
[[nodiscard]] std::optional<ByteView> checked_value(ByteView key, ByteView stored);

/// One transaction, aborted unless committed. Views of keys and values are valid until the next
/// change in it, and never after it. Every call may throw LmdbFailure.
class LmdbTransaction {
 public:
  LmdbTransaction(MDB_env* environment, unsigned flags);
  LmdbTransaction(const LmdbTransaction&) = delete;
  LmdbTransaction& operator=(const LmdbTransaction&) = delete;
  ~LmdbTransaction();

  [[nodiscard]] MDB_txn* raw() const { return transaction_; }
  [[nodiscard]] std::optional<ByteView> find(MDB_dbi table, ByteView key) const;
  void put(MDB_dbi table, ByteView key, ByteView value);
  void erase(MDB_dbi table, ByteView key);  // absent keys are fine
  void clear(MDB_dbi table);
  void commit();

 private:
  MDB_txn* transaction_ = nullptr;
};

/// A place in a table, in order of key bytes.
class LmdbCursor {
 public:
  LmdbCursor(const LmdbTransaction& transaction, MDB_dbi table);
  LmdbCursor(const LmdbCursor&) = delete;
  LmdbCursor& operator=(const LmdbCursor&) = delete;
  ~LmdbCursor();

  bool seek(ByteView key);  // to the first key >= `key`; false: there is none
  bool next();
  [[nodiscard]] ByteView key() const { return key_; }
  [[nodiscard]] ByteView value() const { return value_; }

 private:
  bool move(MDB_val key, MDB_cursor_op operation);

  MDB_cursor* cursor_ = nullptr;
  ByteView key_;
  ByteView value_;
};

/// One LMDB file: full sync, no WRITEMAP, no DUPSORT. One thread at a time may write; any may read.
///
/// The map grows when three quarters are used, before a write transaction begins, and whenever a
/// transaction runs full: a full LMDB cannot even delete. Growing waits until no reader is inside.
class LmdbEnvironment {
 public:
  /// Opens or makes `folder`/data.mdb with the given tables (their order is their number).
  /// @returns the environment; `corrupt` if the file is damaged or cut short.
  [[nodiscard]] static Result<std::unique_ptr<LmdbEnvironment>> open(
      const std::filesystem::path& folder, std::size_t map_bytes,
      const std::vector<std::string>& tables);
  LmdbEnvironment(const LmdbEnvironment&) = delete;
  LmdbEnvironment& operator=(const LmdbEnvironment&) = delete;
  ~LmdbEnvironment();

  /// Runs `body` in a durable transaction. `body` runs again from the start after a growth, so it
  /// must set what it computes, not add to it. @returns Done once the data is on the disk.
  [[nodiscard]] Result<Done> write(const std::function<void(LmdbTransaction&)>& body);

  /// Runs `body` in a snapshot. Keep it short: it holds back growth and the reuse of pages.
  [[nodiscard]] Result<Done> read(const std::function<void(const LmdbTransaction&)>& body) const;

  [[nodiscard]] MDB_dbi table(std::size_t number) const { return tables_[number]; }
  [[nodiscard]] std::size_t map_bytes() const;

 private:
  LmdbEnvironment() = default;
  void start(const std::filesystem::path& folder, std::size_t map_bytes,
             const std::vector<std::string>& tables);
  void grow_if_near_full();
  void grow();

  MDB_env* environment_ = nullptr;
  std::vector<MDB_dbi> tables_;
  mutable std::shared_mutex map_mutex_;  // shared by readers, alone while the map grows
};

}  // namespace pixmesh
