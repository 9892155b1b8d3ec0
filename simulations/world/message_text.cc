#include "simulations/world/message_text.h"

#include <string_view>
#include <variant>

#include "wire/message.h"

namespace pixmesh {
namespace {

// The last part of the type's name, out of what the compiler calls this function.
template <typename T>
std::string_view type_name_of() {
  std::string_view text = __PRETTY_FUNCTION__;
  text = text.substr(text.find("T = ") + 4);
  text = text.substr(0, text.find_first_of(";]"));
  const std::size_t colon = text.rfind(':');
  return colon == std::string_view::npos ? text : text.substr(colon + 1);
}

template <typename Variant>
std::string text_of_decoded(const Result<Variant>& message) {
  if (!message) return "no message of ours";
  return std::visit(
      []<typename T>(const T& one) {
        std::string text(type_name_of<T>());
        if constexpr (requires { one.operation.raw; }) {
          text += " op=" + std::to_string(one.operation.raw);
        }
        if constexpr (requires { one.partition.raw; }) {
          text += " partition=" + std::to_string(one.partition.raw);
        }
        if constexpr (requires { std::string(one.name); }) text += " name=" + std::string(one.name);
        if constexpr (requires { one.record.version; }) {
          text += " record=" + one.record.name +
                  " version=" + std::to_string(one.record.version.clock) + "." +
                  short_text(one.record.version.writer);
        }
        if constexpr (requires { one.step; }) {
          text += " step=" + std::to_string(static_cast<unsigned>(one.step));
        }
        if constexpr (requires { static_cast<unsigned>(one.code); }) {
          text += " code=" + std::to_string(static_cast<unsigned>(one.code));
        }
        if constexpr (requires { std::string(one.detail); }) {
          if (!one.detail.empty()) text += " '" + one.detail + "'";
        }
        return text;
      },
      message.value());
}

}  // namespace

std::string text_of_instant(Instant at) {
  const auto micros = static_cast<std::uint64_t>(at.time_since_epoch() / 1us);
  const std::string fraction = std::to_string(micros % 1'000'000);
  return std::to_string(micros / 1'000'000) + "." + std::string(6 - fraction.size(), '0') +
         fraction;
}

std::string text_of_message(Plane plane, ByteView message) {
  return plane == Plane::control ? text_of_decoded(decode_message(message))
                                 : text_of_decoded(decode_bulk(message));
}

}  // namespace pixmesh
