#include "cli/result_paths.h"

#include <algorithm>

#include "base/digest.h"

namespace pixmesh {
namespace {

constexpr std::size_t part_bytes_max = 160;  // of a name's part: room for ending and digest
constexpr std::size_t parts_max = 16;        // deeper names are folded into their last part
constexpr std::size_t digest_letters = 20;

constexpr std::string_view hex = "0123456789ABCDEF";

std::string escaped(unsigned char byte) { return {'%', hex[byte >> 4], hex[byte & 15]}; }

bool has_case(char c) { return (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) > 127; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

std::string mark_of(std::string_view part) {
  return "%~" + to_text(digest_of(bytes_of(part))).substr(0, digest_letters);
}

/// The longest beginning that ends between two characters of UTF-8, and not inside an escape.
std::string_view cut(std::string_view text) {
  std::size_t length = part_bytes_max;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  const std::size_t escape = text.substr(0, length).rfind('%');
  if (escape != std::string_view::npos && length - escape < 3) length = escape;
  return text.substr(0, length);
}

std::string safe_part(std::string_view part, bool fold_case) {
  if (part.empty()) return "%";
  std::string text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const auto byte = static_cast<unsigned char>(part[i]);
    const bool is_bad =
        byte < 0x20 || byte == 0x7f || byte == '%' || byte == '\\' || (byte == '.' && i == 0);
    if (is_bad) {
      text += escaped(byte);
    } else {
      text += part[i];
    }
  }
  const bool is_long = text.size() > part_bytes_max;
  if (is_long) text = cut(text);
  if (is_long || (fold_case && std::ranges::any_of(part, has_case))) text += mark_of(part);
  return text;
}

std::string safe_folder(std::string_view part, const ResultNaming& naming) {
  std::string text = safe_part(part, naming.fold_case);
  const std::string ending = "." + naming.label + "." + naming.extension;
  const auto folded = [&](char a, char b) {
    const auto low = [](char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; };
    return naming.fold_case ? low(a) == low(b) : a == b;
  };
  const bool is_like_result = text.size() >= ending.size() &&
                              std::equal(ending.begin(), ending.end(),
                                         text.end() - static_cast<long>(ending.size()), folded);
  if (!is_like_result) return text;
  return text.substr(0, text.size() - ending.size()) + "%2E" +
         text.substr(text.size() - ending.size() + 1);
}

bool ends_in_extension(std::string_view image, std::string_view extension) {
  const std::size_t dot = image.rfind('.');
  if (dot == std::string_view::npos) return false;
  std::string own(image.substr(dot + 1));
  for (char& c : own) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  if (own == "jpeg") own = "jpg";
  if (own == "tiff") own = "tif";
  return own == extension;
}

}  // namespace

std::string result_path_of(std::string_view image, const ResultNaming& naming) {
  std::string path;
  std::string_view rest = image;
  for (std::size_t parts = 1; parts < parts_max; ++parts) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) break;
    path += safe_folder(rest.substr(0, slash), naming) + "/";
    rest.remove_prefix(slash + 1);
  }
  std::string last = safe_part(rest, naming.fold_case);
  if (rest.find('/') != std::string_view::npos) {
    std::ranges::replace(last, '/', '_');
    const bool is_marked = last.find("%~") != std::string::npos;
    if (!is_marked) last += mark_of(rest);
  }
  return path + last + "." + naming.label + "." + naming.extension;
}

std::string stored_name_of(std::string_view prefix, std::string_view image,
                           std::string_view extension) {
  std::string name = std::string(prefix) + std::string(image);
  if (!ends_in_extension(image, extension)) name += "." + std::string(extension);
  return name;
}

}  // namespace pixmesh
