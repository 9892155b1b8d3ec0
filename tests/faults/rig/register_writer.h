#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/ids.h"
#include "base/rng.h"
#include "client/client.h"

namespace pixmesh {

/// What a name may hold: the digest of its bytes, or nothing.
using Content = std::optional<Digest>;

/// What one name may be found to hold.
struct Register {
  Content acknowledged;          // the last write that the mesh confirmed
  Version version;               // which it got
  std::vector<Content> unknown;  // writes after it whose outcome nobody knows, or not yet
  [[nodiscard]] bool allows(const Content& found) const;
};

struct WriterOptions {
  std::string prefix;  // of its names
  std::vector<Endpoint> nodes;
  std::uint64_t seed = 1;
  std::uint64_t largest = 3'000'000;  // bytes of an image; above 20,000
  Duration deadline = 30s;            // of each call
};

/// A client that writes, replaces, deletes and reads names of its own until it is stopped, one
/// after the other, and remembers what it was told. Findings are a write that fails for another
/// reason than time or silence, and a strict read of what the name cannot hold.
class RegisterWriter {
 public:
  explicit RegisterWriter(WriterOptions options);
  ~RegisterWriter();
  RegisterWriter(const RegisterWriter&) = delete;
  RegisterWriter& operator=(const RegisterWriter&) = delete;

  void stop();   // and waits; it can be started again
  void start();  // which a new one is already
  /// From now on an acknowledged write counts as one of unknown outcome, until told otherwise.
  void doubt(bool doubted);
  [[nodiscard]] std::map<std::string, Register> registers() const;
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t unknown() const { return unknown_; }
  [[nodiscard]] std::uint64_t reads() const { return reads_; }
  [[nodiscard]] std::vector<std::string> findings() const;

 private:
  void run();
  void act_once(Client& client);
  void write(Client& client, const std::string& name);
  void read(Client& client, const std::string& name);
  void begin(const std::string& name, const Content& wanted);
  void settle(const std::string& name, const Content& wanted, const Result<WriteDone>& done);
  [[nodiscard]] Register register_of(const std::string& name) const;

  WriterOptions options_;
  Rng chance_;
  mutable std::mutex mutex_;  // of the next three
  std::map<std::string, Register> registers_;
  std::vector<std::string> findings_;
  bool doubted_ = false;
  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::atomic<std::uint64_t> unknown_ = 0;
  std::atomic<std::uint64_t> reads_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

/// The digest of what a name holds, as `client` reads it. @param strict  only if a quorum says so
/// @param version  which it has; untouched where there is none
[[nodiscard]] Result<Content> content_of(Client& client, const std::string& name, bool strict,
                                         Version* version = nullptr);

}  // namespace pixmesh
