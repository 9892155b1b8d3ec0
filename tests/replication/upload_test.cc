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
