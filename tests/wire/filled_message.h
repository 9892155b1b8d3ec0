#pragma once

#include <utility>

#include "base/rng.h"
#include "wire/fields.h"

namespace pixmesh {

/// Fills a message with chance, field by field, so that a field that does not travel is noticed.
class Filler {
 public:
  explicit Filler(Rng rng) : rng_(rng) {}

  void fill(bool& value) { value = rng_.below(2) == 1; }
  void fill(std::string& value) {
    value.clear();
    for (std::uint64_t i = 1 + rng_.below(40); i > 0; --i) {
      value.push_back(static_cast<char>(rng_.below(256)));
    }
  }
  template <typename T>
  requires std::is_unsigned_v<T>
  void fill(T& value) { value = static_cast<T>(rng_.next() >> rng_.below(64)); }
  template <typename T>
  requires std::is_enum_v<T>
  void fill(T& value) { value = static_cast<T>(rng_.below(14)); }
  template <std::size_t size>
  void fill(std::array<std::uint8_t, size>& value) {
    rng_.fill(value);
  }
  template <typename IdTag, typename Raw>
  void fill(Id<IdTag, Raw>& value) {
    fill(value.raw);
  }
  template <typename T>
  void fill(std::optional<T>& value) {
    value.reset();
    if (rng_.below(4) > 0) fill(value.emplace());
  }
  template <typename T>
  void fill(std::vector<T>& value) {
    value.resize(rng_.below(5));
    for (T& one : value) fill(one);
  }
  template <HasFields T>
  void fill(T& value) {
    Fields<T>::List::apply([&](auto... field) { (fill(value.*field), ...); });
  }

 private:
  Rng rng_;
};

/// One filled message of each kind.
template <typename Variant, std::size_t index = 0>
void for_each_kind(Filler& filler, const auto& visit) {
  if constexpr (index < std::variant_size_v<Variant>) {
    std::variant_alternative_t<index, Variant> message{};
    filler.fill(message);
    visit(message);
    for_each_kind<Variant, index + 1>(filler, visit);
  }
}

}  // namespace pixmesh
