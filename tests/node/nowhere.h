#pragma once

#include "node/outside.h"

namespace pixmesh {

/// An outside in which nothing happens, for parts of a node that are tested alone.
struct Nowhere : Transport, Disk, Executor, Log {
  LinkId open(Plane, const Endpoint&) override { return {}; }
  void close(LinkId) override {}
  bool send(LinkId, Bytes) override { return false; }
  bool has_room(LinkId) const override { return true; }
  bool send_chunk(LinkId, Bytes, ChunkRef) override { return false; }
  void submit(OperationId, DiskOperation) override {}
  void run(const ToolRun&) override {}
  void cancel(RunId) override {}
  void discard(RunId) override {}
  void event(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};
struct AtOnce : Background {
  void run(OperationId, std::function<void()> job) override { job(); }
};

}  // namespace pixmesh
