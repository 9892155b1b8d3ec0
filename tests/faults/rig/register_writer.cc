#include "register_writer.h"

#include <algorithm>
#include <memory>

#include "base/digest.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t names = 12;
constexpr std::size_t smallest = 20'000;

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

ClientOptions options_for(const WriterOptions& writer) {
  ClientOptions options;
  options.nodes = writer.nodes;
  options.deadline = writer.deadline;
  return options;
}

std::string text_of(const Version& version) {
  return std::to_string(version.clock) + "-" + short_text(version.writer);
}

bool leaves_outcome_open(ErrorCode code) {
  return code == ErrorCode::unreachable || code == ErrorCode::timed_out ||
         code == ErrorCode::overloaded;
}

}  // namespace

bool Register::allows(const Content& found) const {
  return found == acknowledged || std::ranges::find(unknown, found) != unknown.end();
}

RegisterWriter::RegisterWriter(WriterOptions options)
    : options_(std::move(options)), chance_(options_.seed) {
  start();
}

RegisterWriter::~RegisterWriter() { stop(); }

void RegisterWriter::start() {
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void RegisterWriter::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void RegisterWriter::doubt(bool doubted) {
  const std::lock_guard lock(mutex_);
  doubted_ = doubted;
}

std::map<std::string, Register> RegisterWriter::registers() const {
  const std::lock_guard lock(mutex_);
  return registers_;
}

std::vector<std::string> RegisterWriter::findings() const {
  const std::lock_guard lock(mutex_);
  return findings_;
}

void RegisterWriter::run() {
  std::unique_ptr<Client> client;
  while (!stopping_) {
    if (!client) {
      auto connected = Client::connect(options_for(options_));
      if (connected) client = std::move(connected).value();
      continue;
    }
    act_once(*client);
  }
}

void RegisterWriter::act_once(Client& client) {
  const std::string name = options_.prefix + std::to_string(chance_.below(names));
  if (chance_.below(4) == 0) {
    read(client, name);
  } else {
    write(client, name);
  }
}

void RegisterWriter::read(Client& client, const std::string& name) {
  Version version;
  const Result<Content> found = content_of(client, name, true, &version);
  if (!found) return;
  ++reads_;
  const Register kept = register_of(name);
  if (kept.allows(found.value())) return;
  const std::lock_guard lock(mutex_);
  findings_.push_back("a strict read of " + name + " found " +
                      (found.value() ? to_text(*found.value()) : "nothing") + " of version " +
                      text_of(version) + ", after one was acknowledged with version " +
                      text_of(kept.version));
}

void RegisterWriter::write(Client& client, const std::string& name) {
  const Register before = register_of(name);
  if (before.acknowledged && chance_.below(6) == 0) {
    begin(name, std::nullopt);
    Result<WriteDone> done = client.remove(name);
    const bool was_gone = !done && done.error().code == ErrorCode::not_found;
    if (was_gone && before.allows(std::nullopt)) done = WriteDone{};
    settle(name, std::nullopt, done);
    return;
  }
  Bytes bytes(smallest + chance_.below(options_.largest - smallest));
  chance_.fill(bytes);
  MemorySource source(bytes);
  PutOptions options;
  options.name = name;
  begin(name, digest_of(bytes));
  settle(name, digest_of(bytes), client.put(options, source, {}));
}

Register RegisterWriter::register_of(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto kept = registers_.find(name);
  return kept == registers_.end() ? Register{} : kept->second;
}

void RegisterWriter::begin(const std::string& name, const Content& wanted) {
  const std::lock_guard lock(mutex_);
  registers_[name].unknown.push_back(wanted);
}

void RegisterWriter::settle(const std::string& name, const Content& wanted,
                            const Result<WriteDone>& done) {
  const std::lock_guard lock(mutex_);
  if (done) {
    ++acknowledged_;
    if (!doubted_) registers_[name] = Register{wanted, done->version, {}};
    return;
  }
  ++unknown_;
  if (!leaves_outcome_open(done.error().code)) findings_.push_back(done.error().detail);
}

Result<Content> content_of(Client& client, const std::string& name, bool strict, Version* version) {
  HashingSink sink;
  const Result<LookupAnswer> got = client.get(name, strict, sink, {});
  if (got && version != nullptr) *version = got->record.version;
  if (got) return Content(sink.digest());
  if (got.error().code == ErrorCode::not_found) return Content();
  return got.error();
}

}  // namespace pixmesh
