#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

#include "base/ids.h"

namespace pixmesh {

/// Partitions, each once, in order: one bit for each up to the highest that was ever in it. A mesh
/// has thousands, and most of them change at once: a pass over it costs a word for every 64, and an
/// insertion no memory of its own. What is inserted or erased during a pass does not disturb it.
class PartitionSet {
 public:
  class const_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = PartitionId;
    using difference_type = std::ptrdiff_t;
    using pointer = const PartitionId*;
    using reference = PartitionId;

    const_iterator() = default;
    PartitionId operator*() const { return PartitionId{at_}; }
    const_iterator& operator++() {
      at_ = set_->next_from(at_ + 1);
      return *this;
    }
    const_iterator operator++(int) {
      const const_iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const const_iterator& a, const const_iterator& b) {
      return a.at_ == b.at_;
    }

   private:
    friend PartitionSet;
    const_iterator(const PartitionSet& set, std::uint32_t at) : set_(&set), at_(at) {}
    const PartitionSet* set_ = nullptr;
    std::uint32_t at_ = nowhere;
  };

  [[nodiscard]] const_iterator begin() const { return {*this, next_from(0)}; }
  [[nodiscard]] const_iterator end() const { return {*this, nowhere}; }
  /// The first one that is not below it.
  [[nodiscard]] const_iterator lower_bound(PartitionId partition) const {
    return {*this, next_from(partition.raw)};
  }
  [[nodiscard]] bool contains(PartitionId partition) const {
    const std::size_t word = partition.raw / bits;
    return word < words_.size() && (words_[word] & mask_of(partition)) != 0;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  void insert(PartitionId partition) {
    const std::size_t word = partition.raw / bits;
    if (word >= words_.size()) words_.resize(word + 1);
    size_ += contains(partition) ? 0 : 1;
    words_[word] |= mask_of(partition);
  }
  template <std::forward_iterator Iterator>
  void insert(Iterator first, Iterator last) {
    for (; first != last; ++first) insert(*first);
  }
  void erase(PartitionId partition) {
    if (!contains(partition)) return;
    words_[partition.raw / bits] &= ~mask_of(partition);
    --size_;
  }
  void clear() {
    words_.clear();
    size_ = 0;
  }

 private:
  static constexpr std::uint32_t bits = 64;
  static constexpr std::uint32_t nowhere = ~0U;
  [[nodiscard]] static std::uint64_t mask_of(PartitionId partition) {
    return std::uint64_t{1} << partition.raw % bits;
  }
  [[nodiscard]] std::uint32_t next_from(std::uint32_t at) const {
    std::size_t word = at / bits;
    if (word >= words_.size()) return nowhere;
    std::uint64_t rest = words_[word] & (~std::uint64_t{0} << at % bits);
    while (rest == 0) {
      if (++word == words_.size()) return nowhere;
      rest = words_[word];
    }
    return static_cast<std::uint32_t>(word) * bits +
           static_cast<std::uint32_t>(std::countr_zero(rest));
  }

  std::vector<std::uint64_t> words_;
  std::size_t size_ = 0;
};

}  // namespace pixmesh
