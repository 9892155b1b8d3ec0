#include "cli/map_target.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "cli/result_paths.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

Error local_error(const std::string& what, int number) {
  const bool is_full = number == ENOSPC || number == EDQUOT;
  return {is_full ? ErrorCode::no_space : ErrorCode::failed,
          shown(what) + ": " + std::strerror(number)};
}

/// The folders of a result's path. None of them may be a link that leads elsewhere.
Result<Done> make_folders(const fs::path& root, const fs::path& relative) {
  fs::path folder = root;
  for (const fs::path& part : relative.parent_path()) {
    folder /= part;
    std::error_code failed;
    fs::create_directory(folder, failed);
    if (failed) return local_error(folder.string(), failed.value());
    if (!fs::is_directory(fs::symlink_status(folder, failed))) {
      return Error{ErrorCode::failed,
                   shown(folder.string()) + " is in the way: it is no folder of its own"};
    }
  }
  return Done{};
}

class FolderOutput : public MapOutput {
 public:
  FolderOutput(std::unique_ptr<OutputFile> file, fs::path root, ResultNaming naming)
      : file_(std::move(file)), root_(std::move(root)), naming_(std::move(naming)) {}

  Result<Done> write(ByteView bytes) override {
    bytes_ += bytes.size();
    return file_->write(bytes);
  }
  Result<Done> restart() override {
    bytes_ = 0;
    return file_->restart();
  }
  Result<Where> publish(Client&, const std::string& image, const std::string& extension) override {
    ResultNaming naming = naming_;
    naming.extension = extension;
    const std::string path = result_path_of(image, naming);
    if (const auto made = make_folders(root_, path); !made) return made.error();
    if (const auto done = file_->publish((root_ / path).string()); !done) return done.error();
    return Where{path, bytes_};
  }

 private:
  std::unique_ptr<OutputFile> file_;
  fs::path root_;
  ResultNaming naming_;
  std::uint64_t bytes_ = 0;
};

/// Whether a file is found under another spelling of its name.
bool folds_case(const fs::path& root) {
  const fs::path probe = root / (".pixmesh-Case-" + std::to_string(::getpid()));
  const fs::path folded = root / (".pixmesh-cAsE-" + std::to_string(::getpid()));
  std::FILE* file = std::fopen(probe.c_str(), "wx");
  if (file == nullptr) return false;
  std::fclose(file);
  std::error_code ignored;
  const bool folds = fs::exists(folded, ignored);
  fs::remove(probe, ignored);
  return folds;
}

class FolderTarget : public MapTarget {
 public:
  FolderTarget(fs::path root, std::string label) : root_(std::move(root)) {
    naming_.label = std::move(label);
    naming_.fold_case = folds_case(root_);
  }

  Result<std::unique_ptr<MapOutput>> open() override {
    auto file = open_output_in(root_.string());
    if (!file) return file.error();
    return std::unique_ptr<MapOutput>(
        std::make_unique<FolderOutput>(std::move(file).value(), root_, naming_));
  }

  bool still_has(const MapLine& line) const override {
    std::error_code failed;
    const fs::path path = root_ / line.file;
    return fs::is_regular_file(path, failed) && fs::file_size(path, failed) == line.bytes;
  }

 private:
  fs::path root_;
  ResultNaming naming_;
};

/// A result on its way back into the mesh, in a file without a name.
class Spool : public ByteSource {
 public:
  explicit Spool(std::FILE* file) : file_(file) {}
  ~Spool() override { std::fclose(file_); }
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const std::size_t got = std::fread(into.data(), 1, into.size(), file_);
    if (std::ferror(file_) != 0) return local_error("a temporary file", errno);
    return got;
  }
  bool rewind() override { return std::fseek(file_, 0, SEEK_SET) == 0; }
  std::optional<std::uint64_t> size() const override { return size_; }

  Result<Done> write(ByteView bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) {
      return local_error("a temporary file", errno);
    }
    size_ += bytes.size();
    return Done{};
  }
  Result<Done> clear() {
    size_ = 0;
    const bool done = std::fflush(file_) == 0 && ::ftruncate(::fileno(file_), 0) == 0 && rewind();
    return done ? Result<Done>(Done{}) : local_error("a temporary file", errno);
  }

 private:
  std::FILE* file_;
  std::uint64_t size_ = 0;
};

/// Which image's result has which name.
class StoredNames {
 public:
  explicit StoredNames(std::string prefix) : prefix_(std::move(prefix)) {}
  void add(const std::string& stored, const std::string& image) { image_of_[stored] = image; }
  Result<std::string> claim(const std::string& image, const std::string& extension) {
    std::string name = stored_name_of(prefix_, image, extension);
    const std::scoped_lock lock(mutex_);
    const auto [place, fresh] = image_of_.emplace(name, image);
    if (fresh || place->second == image) return name;
    return Error{ErrorCode::usage, "'" + shown(place->second) + "' has a result called '" +
                                       shown(name) +
                                       "' already; store this one with another --store"};
  }

 private:
  std::string prefix_;
  std::mutex mutex_;
  std::map<std::string, std::string> image_of_;
};

class StoreOutput : public MapOutput {
 public:
  StoreOutput(std::FILE* file, StoredNames& names) : spool_(file), names_(names) {}
  Result<Done> write(ByteView bytes) override { return spool_.write(bytes); }
  Result<Done> restart() override { return spool_.clear(); }
  Result<Where> publish(Client& client, const std::string& image,
                        const std::string& extension) override {
    auto name = names_.claim(image, extension);
    if (!name) return name.error();
    PutOptions put;
    put.name = name.value();
    if (!spool_.rewind()) return local_error("a temporary file", errno);
    const auto stored = client.put(put, spool_, {});
    if (!stored) return stored.error();
    return Where{std::move(name).value(), spool_.size().value_or(0)};
  }

 private:
  Spool spool_;
  StoredNames& names_;
};

class StoreTarget : public MapTarget {
 public:
  StoreTarget(const std::string& prefix, const std::map<std::string, MapLine>& earlier)
      : names_(prefix) {
    for (const auto& [image, line] : earlier) {
      if (line.done) names_.add(line.file, image);
    }
  }
  Result<std::unique_ptr<MapOutput>> open() override {
    std::FILE* file = std::tmpfile();
    if (file == nullptr) return local_error("a temporary file", errno);
    return std::unique_ptr<MapOutput>(std::make_unique<StoreOutput>(file, names_));
  }
  bool still_has(const MapLine&) const override { return true; }

 private:
  StoredNames names_;
};

}  // namespace

Result<std::unique_ptr<MapTarget>> open_folder_target(const std::string& folder,
                                                      const std::string& label) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return local_error(folder, failed.value());
  if (!is_folder(folder)) return Error{ErrorCode::usage, shown(folder) + " is no folder"};
  return std::unique_ptr<MapTarget>(std::make_unique<FolderTarget>(folder, label));
}

std::unique_ptr<MapTarget> open_store_target(const std::string& prefix,
                                             const std::map<std::string, MapLine>& earlier) {
  return std::make_unique<StoreTarget>(prefix, earlier);
}

void remove_stale_parts(const std::string& folder) {
  constexpr std::string_view beginning = ".pixmesh-";
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, failed)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(beginning) || !name.ends_with(".part")) continue;
    pid_t process = 0;
    std::from_chars(name.data() + beginning.size(), name.data() + name.size(), process);
    std::error_code ignored;
    if (process > 0 && ::kill(process, 0) != 0 && errno == ESRCH) fs::remove(entry.path(), ignored);
  }
}

}  // namespace pixmesh
