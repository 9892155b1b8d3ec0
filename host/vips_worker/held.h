#pragma once

#include <glib-object.h>

#include <utility>

namespace pixmesh {

/// Owns one reference to an object of libvips.
template <typename T>
class Held {
 public:
  explicit Held(T* object = nullptr) : object_(object) {}
  Held(Held&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    if (object_ != nullptr) g_object_unref(object_);
  }
  [[nodiscard]] T* get() const { return object_; }
  [[nodiscard]] T** place() { return &object_; }

 private:
  T* object_;
};

}  // namespace pixmesh
