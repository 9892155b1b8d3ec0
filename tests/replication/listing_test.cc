// Listing: when it may call itself complete.
#include <doctest/doctest.h>

#include "replication/listing.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

/// What node 1 says when it and node 2 have told it of all that they have.
bool is_complete(MeshView& view, std::uint64_t doubts_meanwhile) {
  Listing listing(OperationId{5}, view, ListRequest{}, true, LinkId{9});
  CHECK(asked<ListRequest>(listing.start({})).size() == 2);
  ListAnswer page;
  page.complete = true;
  CHECK(listing.on_message({}, node(1), page).empty());
  view.doubts += doubts_meanwhile;
  const Effects effects = listing.on_message({}, node(2), page);
  REQUIRE(effects.size() == 1);
  return std::get<ListAnswer>(std::get<Answer>(effects.front()).message).complete;
}

}  // namespace

TEST_CASE("listing: it is complete when all pages are, unless our copies were doubted meanwhile") {
  MeshView view = view_of({1, 2});
  CHECK(is_complete(view, 0));
  CHECK_FALSE(is_complete(view, 1));
}
