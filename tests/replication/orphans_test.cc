// Rebalance: partitions that nobody can tell the holders of.
#include "rebalance_rig.h"

using namespace pixmesh;

namespace {

/// Node 1 is to hold a partition of which it knows nothing; 2 to 5 are members too.
struct Orphaned : Holder {
  Orphaned() : Holder(1, {}) {
    view.may_have_copies = nodes({2, 3, 4, 5});
    place(7, nodes({1, 2, 3}));
  }
  std::vector<NodeId> asked_in_five_seconds() {
    std::vector<NodeId> asked_nodes;
    for (int i = 0; i < 6; ++i) {
      for (const auto& [to, question] : asked<ListsRequest>(tick())) insert_sorted(asked_nodes, to);
    }
    return asked_nodes;
  }
  void answer(NodeId from, HolderLists known = {}) {
    hear(from, ListsAnswer{OperationId{1}, partition, std::move(known)});
  }
};

}  // namespace

TEST_CASE("orphans: when no member knows who held a partition the first of its target goes on") {
  Orphaned one;
  CHECK(one.asked_in_five_seconds() == nodes({2, 3, 4, 5}));
  for (const NodeId& other : nodes({2, 3, 4})) one.answer(other);
  CHECK_FALSE(one.lists().known());
  one.answer(node(5));

  CHECK(one.lists() == HolderLists{nodes({1}), 6, nodes({1, 2, 3})});
  CHECK(one.machine.progress().begun_anew == 1);  // below what the target settles as, the height
  const auto told = asked<ListsAnnounced>(one.tick());
  CHECK(told.size() == 2);  // and is no orphan any more
  CHECK(one.asked_in_five_seconds().empty());
}

TEST_CASE("orphans: one member that knows a settled set is enough to wait for") {
  Orphaned one;
  for (const NodeId& other : nodes({2, 3, 4})) one.answer(other);
  one.answer(node(5), {nodes({5, 6, 7}), 3, nodes({5, 6, 7})});
  CHECK_FALSE(one.lists().known());
  CHECK(one.machine.progress().begun_anew == 0);
}

TEST_CASE("orphans: a dead member may know, and who was evicted and not given up") {
  Orphaned one;
  one.view.alive = nodes({1, 2, 3, 4});
  CHECK(one.asked_in_five_seconds().empty());
  for (const NodeId& other : nodes({2, 3, 4, 5})) one.answer(other);
  CHECK_FALSE(one.lists().known());
}

TEST_CASE("orphans: what was said under another placement does not count") {
  Orphaned one;
  for (const NodeId& other : nodes({2, 3, 4})) one.answer(other);
  one.place(8, nodes({1, 2, 4}));
  one.answer(node(5));
  CHECK_FALSE(one.lists().known());
}

TEST_CASE("orphans: a set of which all were given up is not waited for") {
  Holder one(1, {nodes({6, 7, 8}), 4, nodes({6, 7, 8})});
  one.view.may_have_copies = nodes({2});
  one.view.eviction_of = [](NodeId id) {
    return node(6) <= id && id <= node(8) ? EvictionMarks{1, 1} : EvictionMarks{};
  };
  one.place(9, nodes({1, 2, 3}));
  one.hear(node(2),
           ListsAnswer{OperationId{1}, partition, {nodes({6, 7, 8}), 4, nodes({1, 2, 3})}});
  CHECK(one.lists() == HolderLists{nodes({1}), 8, nodes({1, 2, 3})});
}

TEST_CASE("orphans: only the first member of the target sees to it") {
  Holder two(2, {});
  two.view.may_have_copies = nodes({1, 3});
  two.place(7, nodes({1, 2, 3}));
  for (int i = 0; i < 12; ++i) CHECK(asked<ListsRequest>(two.tick()).empty());
}

TEST_CASE("orphans: what was said while too few were alive counts when enough are") {
  Orphaned one;
  one.view.frozen = true;
  for (const NodeId& other : nodes({2, 3, 4, 5})) one.answer(other);
  CHECK_FALSE(one.lists().known());
  one.view.frozen = false;
  CHECK(one.asked_in_five_seconds().empty());
  CHECK(one.lists() == HolderLists{nodes({1}), 6, nodes({1, 2, 3})});
}
