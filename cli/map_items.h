#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "client/client.h"

namespace pixmesh {

/// One image of a map.
struct MapItem {
  std::string name;
  std::string digest;        // as the listing had it; empty: not known
  std::string type;          // the same
  std::uint64_t pixels = 0;  // 0: not known
};

/// Which images.
struct MapSelection {
  std::string prefix;
  bool by_prefix = false;
  std::string from;  // a file of names, one a line, or "-"; empty: the listing
  std::vector<Tag> tags;
  std::string leave_out;  // names that begin with it are results; empty: none
};

struct MapItems {
  std::vector<MapItem> items;  // each name once, in the order found
  bool complete = true;        // false: some holders are silent, the listing may lack images
};

/// Names from a text, one a line; empty lines are passed over, and so is a name the second time.
/// Errors: usage — a line that is no name, with its number.
[[nodiscard]] Result<std::vector<MapItem>> items_of_text(std::string_view text);

/// Errors: those of Client::list, and of reading the file.
[[nodiscard]] Result<MapItems> find_items(Client& client, const MapSelection& selection,
                                          int cancel_fd);

}  // namespace pixmesh
