#include "replication/upload.h"

#include <doctest/doctest.h>

#include "base/limits.h"
#include "sample_view.h"

using namespace pixmesh;

TEST_CASE("upload: what is announced as too large is refused before anybody makes room for it") {
  const MeshView view = view_of({1, 2, 3});
  for (const std::uint64_t size : {image_bytes_max, image_bytes_max + 1}) {
    PutRequest request;
    request.name = "image";
    request.size = size;
    Upload upload(OperationId{1}, view, request, PartitionId{0},
                  {nodes({1, 2, 3}), 1, nodes({1, 2, 3})}, LinkId{1});

    const Effects effects = upload.start(Instant{});

    const bool allowed = size == image_bytes_max;
    CHECK(upload.finished() != allowed);
    CHECK(asked<StoreOpen>(effects).size() == (allowed ? 3 : 0));
  }
}

TEST_CASE("upload: when it fails it names every holder that was lost, and why") {
  const MeshView view = view_of({1, 2, 3});
  PutRequest request;
  request.name = "image";
  request.deadline_ms = 60'000;
  Upload upload(OperationId{1}, view, request, PartitionId{0},
                {nodes({1, 2, 3}), 1, nodes({1, 2, 3})}, LinkId{1});
  (void)upload.start(Instant{});
  REQUIRE(upload.on_message(Instant{}, node(1), StoreReady{OperationId{1}, {}, {}, 4}).empty());

  Instant now{};
  Effects effects;
  while (!upload.finished() && upload.next_deadline()) {
    now = *upload.next_deadline();
    effects = upload.on_deadline(now);
  }

  std::string detail;
  for (const Effect& effect : effects) {
    const auto* answer = std::get_if<Answer>(&effect);
    if (answer != nullptr) detail = std::get<WriteDone>(answer->message).detail;
  }
  CHECK(detail == "holder " + to_text(node(2)) + ": it did not get ready; holder " +
                      to_text(node(3)) + ": it did not get ready");
}

TEST_CASE("upload: all holders are offered one record, whatever each sees in the bytes") {
  MeshView view = view_of({1, 2, 3});
  PutRequest request;
  request.name = "image";
  request.deadline_ms = 60'000;
  const HolderLists lists{nodes({1, 2, 3}), 1, nodes({1, 2, 3})};
  Upload upload(OperationId{1}, view, request, PartitionId{0}, lists, LinkId{1});
  const Instant now{};
  (void)upload.start(now);
  for (const NodeId& holder : lists.settled) {
    VersionAnswer nothing;
    nothing.lists = lists;
    (void)upload.on_message(now, holder, nothing);
    (void)upload.on_message(now, holder, StoreReady{OperationId{1}, {}, {}, 4});
  }
  const StreamChunk last{request.stream, 0, true};
  (void)upload.on_bulk(now, LinkId{1}, last, ChunkRef{1, 3, 7});
  std::vector<std::pair<NodeId, CommitRequest>> offers;
  for (const NodeId& holder : lists.settled) {
    StoreFinished stored{OperationId{1}, {}, {}, 3, {}, {"png", holder.raw[0], 1}};
    for (auto& offer : asked<CommitRequest>(upload.on_message(now, holder, stored))) {
      offers.push_back(std::move(offer));
    }
  }
  REQUIRE(offers.size() == 3);
  CHECK(offers[1].second.record == offers[0].second.record);
  CHECK(offers[2].second.record == offers[0].second.record);
}
