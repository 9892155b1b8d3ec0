#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/files.h"
#include "cli/map_journal.h"

namespace pixmesh {

/// Where the result of one image is written to, and what it is called once it is whole.
class MapOutput : public ByteSink {
 public:
  struct Where {
    std::string file;  // below the folder, or the name it is stored under
    std::uint64_t bytes = 0;
  };
  /// Lets it appear. @param client  of the calling thread.
  [[nodiscard]] virtual Result<Where> publish(Client& client, const std::string& image,
                                              const std::string& extension) = 0;
};

/// Where the results of a map go. Calls from any thread.
class MapTarget {
 public:
  virtual ~MapTarget() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<MapOutput>> open() = 0;
  /// Whether what a journal says is done is still there, as far as that costs nothing.
  [[nodiscard]] virtual bool still_has(const MapLine& line) const = 0;
};

/// A folder of this machine, made if it is not there. A file appears under its name when it is
/// whole; what a killed map left half written is removed.
/// @param label  of the recipe. Errors: usage, failed, no_space.
[[nodiscard]] Result<std::unique_ptr<MapTarget>> open_folder_target(const std::string& folder,
                                                                    const std::string& label);

/// New images of the mesh, called PREFIX and the image's name. An image whose name was given to the
/// result of another one fails: no result replaces another.
/// @param earlier  what was stored in earlier sessions.
[[nodiscard]] std::unique_ptr<MapTarget> open_store_target(
    const std::string& prefix, const std::map<std::string, MapLine>& earlier);

/// Removes `.pixmesh-PID-N.part` files of processes that are gone.
void remove_stale_parts(const std::string& folder);

}  // namespace pixmesh
