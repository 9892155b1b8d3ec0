#include "cli/map_items.h"

#include <array>
#include <set>
#include <utility>

#include "base/digest.h"
#include "cli/files.h"
#include "replication/record.h"

namespace pixmesh {
namespace {

Result<std::string> text_of(const std::string& path, int cancel_fd) {
  auto source = open_source(path, cancel_fd);
  if (!source) return source.error();
  std::string text;
  std::array<std::uint8_t, 1 << 16> piece{};
  while (true) {
    const auto got = source.value()->read(piece);
    if (!got) return got.error();
    text.append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got.value()));
    if (got.value() < piece.size()) return text;
  }
}

Result<MapItems> listed(Client& client, const MapSelection& selection) {
  MapItems found;
  const auto complete = client.list(selection.prefix, selection.tags, [&](const ListEntry& entry) {
    const bool is_result =
        !selection.leave_out.empty() && entry.name.starts_with(selection.leave_out);
    const MediaFacts& media = entry.media;
    const std::uint64_t pixels = std::uint64_t{media.width} * media.height;
    if (!is_result) {
      found.items.push_back({entry.name, to_text(entry.digest), media.type, pixels});
    }
    return true;
  });
  if (!complete) return complete.error();
  found.complete = complete.value();
  return found;
}

}  // namespace

Result<std::vector<MapItem>> items_of_text(std::string_view text) {
  std::vector<MapItem> items;
  std::set<std::string, std::less<>> seen;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty() || seen.contains(line)) continue;
    if (const auto good = check_name(line); !good) {
      return Error{ErrorCode::usage,
                   "line " + std::to_string(number) + " of the names: " + good.error().detail};
    }
    seen.emplace(line);
    items.push_back({std::string(line), {}, {}, 0});
  }
  return items;
}

Result<MapItems> find_items(Client& client, const MapSelection& selection, int cancel_fd) {
  if (selection.from.empty()) return listed(client, selection);
  const auto text = text_of(selection.from, cancel_fd);
  if (!text) return text.error();
  auto items = items_of_text(text.value());
  if (!items) return items.error();
  return MapItems{std::move(items).value(), true};
}

}  // namespace pixmesh
