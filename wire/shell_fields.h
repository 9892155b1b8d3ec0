#pragma once

#include <cstdint>

#include "wire/message.h"
#include "wire/value_fields.h"

// Shells: numbers 110 to 119. fields.h has the rules.
namespace pixmesh {

template <>
struct Fields<ShellOpen> {
  static constexpr std::uint16_t number = 110;
  using List = FieldList<&ShellOpen::operation, &ShellOpen::request, &ShellOpen::input,
                         &ShellOpen::name, &ShellOpen::who, &ShellOpen::words, &ShellOpen::terminal,
                         &ShellOpen::rows, &ShellOpen::columns, &ShellOpen::term>;
};
template <>
struct Fields<ShellOpened> {
  static constexpr std::uint16_t number = 111;
  using List = FieldList<&ShellOpened::operation, &ShellOpened::code, &ShellOpened::detail,
                         &ShellOpened::path>;
};
template <>
struct Fields<ShellInput> {
  static constexpr std::uint16_t number = 112;
  using List =
      FieldList<&ShellInput::request, &ShellInput::index, &ShellInput::bytes, &ShellInput::ended>;
};
template <>
struct Fields<ShellOutput> {
  static constexpr std::uint16_t number = 113;
  using List = FieldList<&ShellOutput::request, &ShellOutput::index, &ShellOutput::bytes,
                         &ShellOutput::is_error>;
};
template <>
struct Fields<ShellCredit> {
  static constexpr std::uint16_t number = 114;
  using List = FieldList<&ShellCredit::request, &ShellCredit::until>;
};
template <>
struct Fields<ShellResize> {
  static constexpr std::uint16_t number = 115;
  using List = FieldList<&ShellResize::request, &ShellResize::rows, &ShellResize::columns>;
};
template <>
struct Fields<ShellAlive> {
  static constexpr std::uint16_t number = 116;
  using List = FieldList<&ShellAlive::request>;
};
template <>
struct Fields<ShellClose> {
  static constexpr std::uint16_t number = 117;
  using List = FieldList<&ShellClose::request>;
};
template <>
struct Fields<ShellEnded> {
  static constexpr std::uint16_t number = 118;
  using List = FieldList<&ShellEnded::request, &ShellEnded::code, &ShellEnded::detail,
                         &ShellEnded::exit_status, &ShellEnded::signal>;
};

}  // namespace pixmesh
