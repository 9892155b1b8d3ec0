#include "host/disk/index_probe.h"

#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/disk/lmdb_layout.h"

namespace pixmesh {
namespace {

constexpr int walked = 0;
constexpr int broken = 1;
constexpr unsigned probe_seconds_max = 300;  // pages that point at one another never end
constexpr MDB_dbi free_pages = 0;            // LMDB's own table

// Only what a process may do that was forked beside other threads, and the calls of LMDB.
bool is_ascending(const MDB_val& before, const MDB_val& key) {
  const std::size_t common = before.mv_size < key.mv_size ? before.mv_size : key.mv_size;
  const int order = std::memcmp(before.mv_data, key.mv_data, common);
  return order < 0 || (order == 0 && before.mv_size < key.mv_size);
}

// A value is the number of pages, then the pages.
bool is_free_list(const MDB_val& value, std::size_t page_count) {
  if (value.mv_size < sizeof(std::size_t) || value.mv_size % sizeof(std::size_t) != 0) return false;
  const auto number_at = [&](std::size_t index) {
    std::size_t number = 0;
    std::memcpy(&number, static_cast<const char*>(value.mv_data) + index * sizeof number,
                sizeof number);
    return number;
  };
  const std::size_t count = value.mv_size / sizeof(std::size_t) - 1;
  if (number_at(0) > count) return false;
  for (std::size_t i = 1; i <= number_at(0); ++i) {
    if (number_at(i) >= page_count) return false;
  }
  return true;
}

bool walk(MDB_txn* transaction, MDB_dbi table, std::size_t page_count) {
  MDB_cursor* cursor = nullptr;
  if (mdb_cursor_open(transaction, table, &cursor) != MDB_SUCCESS) return false;
  MDB_val before{};
  MDB_val key{};
  MDB_val value{};
  int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
  for (; code == MDB_SUCCESS; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
    const bool ordered =
        table == free_pages || before.mv_data == nullptr || is_ascending(before, key);
    if (!ordered || (table == free_pages && !is_free_list(value, page_count))) return false;
    if (table != free_pages && !checked_value(view_of(key), view_of(value))) return false;
    before = key;
  }
  return code == MDB_NOTFOUND;
}

bool walk_all(const char* folder, std::size_t map_bytes, const std::vector<std::string>& tables) {
  MDB_env* environment = nullptr;
  MDB_txn* transaction = nullptr;
  MDB_envinfo facts{};
  const bool opened =
      mdb_env_create(&environment) == MDB_SUCCESS &&
      mdb_env_set_maxdbs(environment, static_cast<MDB_dbi>(tables.size())) == MDB_SUCCESS &&
      mdb_env_set_mapsize(environment, map_bytes) == MDB_SUCCESS &&
      mdb_env_open(environment, folder, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0) == MDB_SUCCESS &&
      mdb_txn_begin(environment, nullptr, MDB_RDONLY, &transaction) == MDB_SUCCESS &&
      mdb_env_info(environment, &facts) == MDB_SUCCESS;
  if (!opened || !walk(transaction, free_pages, facts.me_last_pgno + 1)) return false;
  for (const std::string& name : tables) {
    MDB_dbi table = 0;
    const int code = mdb_dbi_open(transaction, name.c_str(), 0, &table);
    if (code == MDB_NOTFOUND) continue;  // an index of an earlier version, or a new one
    if (code != MDB_SUCCESS || !walk(transaction, table, facts.me_last_pgno + 1)) return false;
  }
  return true;
}

[[noreturn]] void probe(const char* folder, std::size_t map_bytes,
                        const std::vector<std::string>& tables) {
  for (const int signal : {SIGABRT, SIGBUS, SIGSEGV, SIGALRM}) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);  // LMDB says what it trips over
  ::alarm(probe_seconds_max);
  ::_exit(walk_all(folder, map_bytes, tables) ? walked : broken);
}

}  // namespace

bool can_be_walked(const std::filesystem::path& folder, std::size_t map_bytes) {
  std::error_code unknown;
  if (!std::filesystem::exists(folder / "data.mdb", unknown)) return true;
  const std::vector<std::string> tables = index_table_names();
  const std::string path = folder.string();
  const pid_t child = ::fork();
  if (child < 0) return true;
  if (child == 0) probe(path.c_str(), map_bytes, tables);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return true;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == walked;
}

}  // namespace pixmesh
