#include "host/disk/state_store.h"

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "disk_rig.h"
#include "host/disk/disk_folder.h"

using namespace pixmesh;
using namespace pixmesh::storage_test;

TEST_CASE("host: the state store keeps rows over a reopen and refuses what is no row") {
  const TempFolder folder;
  AnswerBox answers;
  {
    auto store = StateStore::open({.folder = folder.path()}, answers).value();
    CHECK(store->put({{Table::facts, {1}, Bytes{1}}}));
    store->submit(OperationId{1}, PutValues{{{Table::facts, {2}, Bytes{2}}}});
    store->submit(OperationId{2}, PutValues{{{Table::hints, {3}, Bytes{3}}}});
    store->submit(OperationId{3}, CreateTemp{TempId{1}, false});
    store->submit(OperationId{4}, LoadTable{Table::hints});
    CHECK(answers.wait(OperationId{1}).has_value());
    CHECK(answers.wait(OperationId{2}).has_value());
    CHECK(answers.wait(OperationId{3}).error().code == ErrorCode::usage);
    CHECK(std::get<TableRows>(answers.wait(OperationId{4}).value()).rows.size() <= 1);
  }
  const auto store = StateStore::open({.folder = folder.path()}, answers).value();

  CHECK(store->load(Table::facts).value().rows.size() == 2);
  CHECK(store->load(Table::hints).value().rows.size() == 1);
  const auto second = StateStore::open({.folder = folder.path()}, answers);
  REQUIRE(!second);
  CHECK(second.error().code == ErrorCode::denied);
}

TEST_CASE("host: a damaged state folder is refused, not emptied") {
  const TempFolder folder;
  AnswerBox answers;
  (void)StateStore::open({.folder = folder.path()}, answers);
  std::ofstream(folder.path() / "index" / "data.mdb") << std::string(20'000, 'x');

  const auto store = StateStore::open({.folder = folder.path()}, answers);

  REQUIRE(!store);
  CHECK(store.error().code == ErrorCode::corrupt);
  CHECK(store.error().detail.find("identity") != std::string::npos);
}

// A child of a node that was killed has its lock until it becomes another program.
TEST_CASE("host: a folder whose lock is about to be given up is waited for") {
  const TempFolder folder;
  Result<FileHandle> held = lock_folder(folder.path());
  REQUIRE(held.has_value());
  const std::jthread gives_up([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    held = Error{ErrorCode::failed, "closed"};
  });
  CHECK(lock_folder(folder.path()).has_value());
}
