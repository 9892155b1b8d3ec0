#include "host/disk/lmdb_environment.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>

#include "base/digest.h"
#include "host/system/file_handle.h"

namespace pixmesh {
namespace {

constexpr std::size_t map_bytes_max = std::size_t{1} << 42;
constexpr std::size_t map_step = std::size_t{64} << 10;  // a multiple of every page size
constexpr int cut_short_tries = 3;

void check(int code, const char* action) {
  if (code != MDB_SUCCESS) throw LmdbFailure{code, action};
}

/// Checks a call that may write to the file. LMDB says EIO when a write took fewer bytes than it
/// was given, as a full disk does; then no system call has failed, and none has set errno. A failed
/// write or sync always has.
template <typename Call>
void check_write(const Call& call, const char* action) {
  errno = 0;
  const int code = call();
  const bool none_failed = errno == 0 || errno == EINTR;
  if (code != MDB_SUCCESS) throw LmdbFailure{code, action, code == EIO && none_failed};
}

// LMDB takes keys as mutable pointers and does not change them.
MDB_val value_of(ByteView bytes) { return {bytes.size(), const_cast<std::uint8_t*>(bytes.data())}; }
std::uint64_t sum_of(ByteView key, ByteView value) {
  return keyed_hash(chunk_checksum(key), value);
}

ByteView checked(MDB_val key, MDB_val stored) {
  const auto value = checked_value(view_of(key), view_of(stored));
  if (!value) throw LmdbFailure{MDB_CORRUPTED, "read from the index, a value is damaged"};
  return *value;
}

/// Less than a twentieth is free, which is where images are refused.
bool is_nearly_full(MDB_env* environment) {
  int file = -1;
  struct statvfs space {};
  if (mdb_env_get_fd(environment, &file) != MDB_SUCCESS) return false;
  return ::fstatvfs(file, &space) == 0 && space.f_bavail < space.f_blocks / 20;
}

std::size_t used_bytes(MDB_env* environment) {
  MDB_envinfo facts{};
  MDB_stat page{};
  check(mdb_env_info(environment, &facts), "ask the size of the index");
  check(mdb_env_stat(environment, &page), "ask the size of the index");
  return (facts.me_last_pgno + 1) * page.ms_psize;
}

}  // namespace

std::optional<ByteView> checked_value(ByteView key, ByteView stored) {
  if (stored.size() < value_sum_bytes) return std::nullopt;
  const ByteView value = stored.first(stored.size() - value_sum_bytes);
  const bool is_whole = little_endian(stored.last(value_sum_bytes)) == sum_of(key, value);
  return is_whole ? std::optional(value) : std::nullopt;
}

Error to_error(const LmdbFailure& failure) {
  ErrorCode code = ErrorCode::failed;
  switch (failure.code) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
      code = ErrorCode::no_space;
      break;
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_PAGE_NOTFOUND:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
      code = ErrorCode::corrupt;
      break;
    default:
      break;
  }
  return {code, std::string("cannot ") + failure.action + ": " + mdb_strerror(failure.code)};
}

LmdbTransaction::LmdbTransaction(MDB_env* environment, unsigned flags) {
  check(mdb_txn_begin(environment, nullptr, flags, &transaction_), "begin a transaction");
}

LmdbTransaction::~LmdbTransaction() {
  if (transaction_ != nullptr) mdb_txn_abort(transaction_);
}

std::optional<ByteView> LmdbTransaction::find(MDB_dbi table, ByteView key) const {
  MDB_val wanted = value_of(key);
  MDB_val found{};
  const int code = mdb_get(transaction_, table, &wanted, &found);
  if (code == MDB_NOTFOUND) return std::nullopt;
  check(code, "read from the index");
  return checked(wanted, found);
}

void LmdbTransaction::put(MDB_dbi table, ByteView key, ByteView value) {
  MDB_val wanted = value_of(key);
  Bytes whole(value.begin(), value.end());
  const Bytes sum = CanonicalBytes().u64(sum_of(key, value)).bytes();
  whole.insert(whole.end(), sum.begin(), sum.end());
  MDB_val stored = value_of(whole);
  check_write([&] { return mdb_put(transaction_, table, &wanted, &stored, 0); },
              "write to the index");
}

void LmdbTransaction::erase(MDB_dbi table, ByteView key) {
  MDB_val wanted = value_of(key);
  const int code = mdb_del(transaction_, table, &wanted, nullptr);
  if (code != MDB_NOTFOUND) check(code, "delete from the index");
}

void LmdbTransaction::clear(MDB_dbi table) {
  check(mdb_drop(transaction_, table, 0), "empty a table");
}

void LmdbTransaction::commit() {
  check_write([this] { return mdb_txn_commit(std::exchange(transaction_, nullptr)); },
              "commit to the index");
}

LmdbCursor::LmdbCursor(const LmdbTransaction& transaction, MDB_dbi table) {
  check(mdb_cursor_open(transaction.raw(), table, &cursor_), "open a cursor");
}

LmdbCursor::~LmdbCursor() { mdb_cursor_close(cursor_); }

bool LmdbCursor::seek(ByteView key) {
  return key.empty() ? move({}, MDB_FIRST) : move(value_of(key), MDB_SET_RANGE);
}

bool LmdbCursor::next() { return move({}, MDB_NEXT); }

bool LmdbCursor::move(MDB_val key, MDB_cursor_op operation) {
  MDB_val value{};
  const int code = mdb_cursor_get(cursor_, &key, &value, operation);
  if (code == MDB_NOTFOUND) return false;
  check(code, "walk through the index");
  key_ = view_of(key);
  value_ = checked(key, value);
  return true;
}

Result<std::unique_ptr<LmdbEnvironment>> LmdbEnvironment::open(
    const std::filesystem::path& folder, std::size_t map_bytes,
    const std::vector<std::string>& tables) {
  std::unique_ptr<LmdbEnvironment> environment(new LmdbEnvironment());
  try {
    environment->start(folder, map_bytes, tables);
  } catch (const LmdbFailure& failure) {
    Error error = to_error(failure);
    error.detail += " (" + folder.string() + ")";
    return error;
  }
  return environment;
}

void LmdbEnvironment::start(const std::filesystem::path& folder, std::size_t map_bytes,
                            const std::vector<std::string>& tables) {
  check(mdb_env_create(&environment_), "make an environment");
  check(mdb_env_set_maxdbs(environment_, static_cast<MDB_dbi>(tables.size())), "count tables");
  const std::size_t rounded = (map_bytes + map_step - 1) / map_step * map_step;
  check(mdb_env_set_mapsize(environment_, rounded), "set the size of the map");
  check(mdb_env_open(environment_, folder.c_str(), MDB_NOTLS, 0640), "open the index");
  // Pages behind the end of a file that was cut short would be a bus error, not an error code.
  std::error_code unknown;
  const auto size = std::filesystem::file_size(folder / "data.mdb", unknown);
  if (unknown || size < used_bytes(environment_)) {
    throw LmdbFailure{MDB_CORRUPTED, "open the index, its file is too short"};
  }
  tables_.resize(tables.size());
  const Result<Done> made = write([&](LmdbTransaction& transaction) {
    for (std::size_t i = 0; i < tables.size(); ++i) {
      check(mdb_dbi_open(transaction.raw(), tables[i].c_str(), MDB_CREATE, &tables_[i]),
            "open a table");
    }
  });
  if (!made) {
    const bool corrupt = made.error().code == ErrorCode::corrupt;
    throw LmdbFailure{corrupt ? MDB_CORRUPTED : ENOSPC, "open the tables"};
  }
  // LMDB syncs its file, but neither the file's entry nor the folder's.
  if (!sync_folder(folder) || !sync_folder(folder.parent_path())) {
    throw LmdbFailure{EIO, "sync the folder of the index"};
  }
}

LmdbEnvironment::~LmdbEnvironment() {
  if (environment_ != nullptr) mdb_env_close(environment_);
}

// A write that was cut short is tried again: it goes through, or says why, or the disk is full and
// takes the same part of it again.
Result<Done> LmdbEnvironment::write(const std::function<void(LmdbTransaction&)>& body) {
  int tries = 0;
  while (true) {
    try {
      grow_if_near_full();
      LmdbTransaction transaction(environment_, 0);
      body(transaction);
      transaction.commit();
      return Done{};
    } catch (const LmdbFailure& failure) {
      if (failure.cut_short && ++tries < cut_short_tries) continue;
      if (failure.cut_short && is_nearly_full(environment_)) {
        return to_error(LmdbFailure{ENOSPC, failure.action});
      }
      if (failure.code != MDB_MAP_FULL || map_bytes() >= map_bytes_max) return to_error(failure);
    }
    try {
      grow();
    } catch (const LmdbFailure& failure) {
      return to_error(failure);
    }
  }
}

Result<Done> LmdbEnvironment::read(const std::function<void(const LmdbTransaction&)>& body) const {
  const std::shared_lock lock(map_mutex_);
  try {
    const LmdbTransaction transaction(environment_, MDB_RDONLY);
    body(transaction);
  } catch (const LmdbFailure& failure) {
    return to_error(failure);
  }
  return Done{};
}

std::size_t LmdbEnvironment::map_bytes() const {
  MDB_envinfo facts{};
  mdb_env_info(environment_, &facts);
  return facts.me_mapsize;
}

void LmdbEnvironment::grow_if_near_full() {
  if (used_bytes(environment_) > map_bytes() / 4 * 3 && map_bytes() < map_bytes_max) grow();
}

void LmdbEnvironment::grow() {
  const std::unique_lock lock(map_mutex_);
  check(mdb_env_set_mapsize(environment_, map_bytes() * 2), "grow the map of the index");
}

}  // namespace pixmesh
