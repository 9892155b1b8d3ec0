#pragma once

#include <algorithm>

#include "replication/operation.h"

namespace pixmesh {

inline NodeId node(std::uint8_t number) {
  NodeId id;
  id.raw[0] = number;
  return id;
}

inline std::vector<NodeId> nodes(std::initializer_list<std::uint8_t> numbers) {
  std::vector<NodeId> ids;
  for (const std::uint8_t number : numbers) ids.push_back(node(number));
  return ids;
}

inline std::vector<HolderLife> lives(std::initializer_list<std::uint8_t> numbers) {
  return first_lives_of(nodes(numbers));
}

/// What node 1 sees of a mesh in which these nodes live.
inline MeshView view_of(std::initializer_list<std::uint8_t> alive) {
  MeshView view;
  view.self = node(1);
  view.alive = view.may_have_copies = nodes(alive);
  view.knows_others = true;
  view.address_of = [](NodeId id) {
    HolderAddress address;
    address.node = id;
    return address;
  };
  view.lists_of = [](PartitionId) { return HolderLists{}; };
  view.next_clock = [](std::uint64_t newest) {
    return std::optional(std::max(newest, std::uint64_t{1'000'000'000}) + 1);
  };
  view.fresh_stream = [] { return StreamId{}; };
  view.disk_of = [](PartitionId) { return 0U; };
  return view;
}

/// The messages of one kind among effects, with whom they go to.
template <typename T>
std::vector<std::pair<NodeId, T>> asked(const Effects& effects) {
  std::vector<std::pair<NodeId, T>> found;
  for (const Effect& effect : effects) {
    const auto* ask = std::get_if<Ask>(&effect);
    if (ask == nullptr) continue;
    if (const auto* message = std::get_if<T>(&ask->message)) found.emplace_back(ask->to, *message);
  }
  return found;
}

/// The operation of this kind that effects ask a disk for; null if there is none.
template <typename T>
const T* wanted(const Effects& effects) {
  for (const Effect& effect : effects) {
    const auto* use = std::get_if<UseDisk>(&effect);
    if (use != nullptr && std::holds_alternative<T>(use->operation)) {
      return &std::get<T>(use->operation);
    }
  }
  return nullptr;
}

template <typename T>
std::size_t count_of(const Effects& effects) {
  std::size_t count = 0;
  for (const Effect& effect : effects) count += std::holds_alternative<T>(effect) ? 1 : 0;
  return count;
}

}  // namespace pixmesh
