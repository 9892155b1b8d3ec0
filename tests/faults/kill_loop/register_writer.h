#pragma once

#include <atomic>
#include <cstdint>
#include <map>
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
  std::vector<Content> unknown;  // writes after it whose outcome nobody knows
  [[nodiscard]] bool allows(const Content& found) const;
};

/// A client that writes, replaces and deletes names of its own until it is stopped, one after the
/// other, and remembers what it was told. A write that fails for another reason than time or
/// silence is a finding.
class RegisterWriter {
 public:
  RegisterWriter(std::string prefix, std::vector<Endpoint> nodes, std::uint64_t seed);
  ~RegisterWriter();
  RegisterWriter(const RegisterWriter&) = delete;
  RegisterWriter& operator=(const RegisterWriter&) = delete;

  void stop();  // and waits; afterwards the rest may be asked
  [[nodiscard]] const std::map<std::string, Register>& registers() const { return registers_; }
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t unknown() const { return unknown_; }
  [[nodiscard]] const std::vector<std::string>& findings() const { return findings_; }

 private:
  void run();
  void write_one(Client& client);
  void settle(Register& kept, Content wanted, const Result<WriteDone>& done);

  std::string prefix_;
  std::vector<Endpoint> nodes_;
  Rng chance_;
  std::map<std::string, Register> registers_;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t unknown_ = 0;
  std::vector<std::string> findings_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

/// The digest of what a name holds, as `client` reads it.
[[nodiscard]] Result<Content> content_of(Client& client, const std::string& name);

}  // namespace pixmesh
