#pragma once

#include <filesystem>
#include <variant>

#include "base/events.h"
#include "base/result_store.h"
#include "host/disk/worker_queue.h"

namespace pixmesh {

/// Results of runs as files, below the folder of disk 0:
///
///   results/ab/<62 hex digits>.<extension>   the bytes; at first a second name of the run's output
///   results/ab/<62 hex digits>-facts         a framed file: key, extension, size, checksums, facts
///
/// The facts are written last: bytes without them are nobody's, and go at the next start. Nothing
/// is synced. After a power cut facts may name bytes that did not come; their checksums tell.
///
/// One thread of low priority does what is asked, in order; first it looks through what is there.
class ResultFolder final : public ResultStore {
 public:
  /// @param disk    folder of disk 0; `results` in it is made when it is needed.
  /// @param events  outlives this object.
  ResultFolder(std::filesystem::path disk, EventSink& events);

  void keep(ResultToKeep result) override;
  void keep_facts(FactsToKeep facts) override;
  void drop(const Digest& key, const std::string& extension) override;

 private:
  struct Drop {
    Digest key;
    std::string extension;
  };
  struct LookThrough {};
  using Order = std::variant<LookThrough, ResultToKeep, FactsToKeep, Drop>;

  void obey(const LookThrough&);
  void obey(const ResultToKeep& result);
  void obey(const FactsToKeep& facts);
  void obey(const Drop& order);

  std::filesystem::path disk_;
  EventSink& events_;
  WorkerQueue<Order> queue_;  // last: it uses the rest
};

}  // namespace pixmesh
