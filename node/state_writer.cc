#include "node/state_writer.h"

namespace pixmesh {

TableRow fact_row(std::string_view key, std::optional<Bytes> value) {
  const ByteView bytes = bytes_of(key);
  return {Table::facts, Bytes(bytes.begin(), bytes.end()), std::move(value)};
}

void StateWriter::write(std::vector<TableRow> rows, Then then) {
  const OperationId ticket = numbers_.next_id();
  waiting_[ticket] = std::move(then);
  outside_.state.submit(ticket, PutValues{std::move(rows)});
}

Result<Done> StateWriter::on_answer(Instant now, OperationId ticket,
                                    const Result<DiskAnswer>& answer) {
  const auto place = waiting_.find(ticket);
  if (place == waiting_.end()) return Done{};
  const Then then = std::move(place->second);
  waiting_.erase(place);
  if (!answer) return answer.error();
  if (then) then(now);
  return Done{};
}

}  // namespace pixmesh
