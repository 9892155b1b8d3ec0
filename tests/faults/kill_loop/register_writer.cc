#include "register_writer.h"

#include <algorithm>
#include <memory>

#include "base/digest.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t names = 12;
constexpr std::size_t smallest = 20'000;
constexpr std::size_t largest = 3'000'000;

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(ByteView bytes) : bytes_(bytes) {}
  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const std::size_t count = std::min(into.size(), bytes_.size() - at_);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    return count;
  }
  bool rewind() override {
    at_ = 0;
    return true;
  }
  [[nodiscard]] std::optional<std::uint64_t> size() const override { return bytes_.size(); }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
};

class HashingSink : public ByteSink {
 public:
  Result<Done> write(ByteView bytes) override {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return Done{};
  }
  Result<Done> restart() override {
    bytes_.clear();
    return Done{};
  }
  [[nodiscard]] Digest digest() const { return digest_of(bytes_); }

 private:
  Bytes bytes_;
};

ClientOptions options_for(const std::vector<Endpoint>& nodes) {
  ClientOptions options;
  options.nodes = nodes;
  options.deadline = 30s;
  return options;
}

bool leaves_outcome_open(ErrorCode code) {
  return code == ErrorCode::unreachable || code == ErrorCode::timed_out ||
         code == ErrorCode::overloaded;
}

}  // namespace

bool Register::allows(const Content& found) const {
  return found == acknowledged || std::ranges::find(unknown, found) != unknown.end();
}

RegisterWriter::RegisterWriter(std::string prefix, std::vector<Endpoint> nodes, std::uint64_t seed)
    : prefix_(std::move(prefix)), nodes_(std::move(nodes)), chance_(seed) {
  thread_ = std::thread([this] { run(); });
}

RegisterWriter::~RegisterWriter() { stop(); }

void RegisterWriter::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void RegisterWriter::run() {
  std::unique_ptr<Client> client;
  while (!stopping_) {
    if (!client) {
      auto connected = Client::connect(options_for(nodes_));
      if (connected) client = std::move(connected).value();
      continue;
    }
    write_one(*client);
  }
}

void RegisterWriter::write_one(Client& client) {
  const std::string name = prefix_ + std::to_string(chance_.below(names));
  Register& kept = registers_[name];
  if (kept.acknowledged && chance_.below(6) == 0) {
    const Result<WriteDone> done = client.remove(name);
    settle(kept, std::nullopt, done);
    return;
  }
  Bytes bytes(smallest + chance_.below(largest - smallest));
  chance_.fill(bytes);
  MemorySource source(bytes);
  PutOptions options;
  options.name = name;
  settle(kept, digest_of(bytes), client.put(options, source, {}));
}

void RegisterWriter::settle(Register& kept, Content wanted, const Result<WriteDone>& done) {
  const bool was_gone = !done && done.error().code == ErrorCode::not_found && !wanted;
  if (done || (was_gone && kept.allows(std::nullopt))) {
    kept = Register{wanted, {}};
    ++acknowledged_;
    return;
  }
  kept.unknown.push_back(wanted);
  ++unknown_;
  if (!leaves_outcome_open(done.error().code)) findings_.push_back(done.error().detail);
}

Result<Content> content_of(Client& client, const std::string& name) {
  HashingSink sink;
  const Result<LookupAnswer> got = client.get(name, false, sink, {});
  if (got) return Content(sink.digest());
  if (got.error().code == ErrorCode::not_found) return Content();
  return got.error();
}

}  // namespace pixmesh
