// What is drawn of disks and whole machines that fail, forget and spoil.
#include <algorithm>
#include <array>

#include "simulations/faults/class_draw.h"
#include "simulations/faults/draw.h"

namespace pixmesh {

void ClassDraw::draw_disks() {
  static constexpr std::array kinds{
      EventKind::disk_full,   EventKind::disk_slow, EventKind::write_errors, EventKind::sync_errors,
      EventKind::read_errors, EventKind::misreads,  EventKind::short_writes};
  draw_troubles(kinds, 8);
}

void ClassDraw::draw_state() {
  static constexpr std::array kinds{EventKind::state_full, EventKind::state_slow,
                                    EventKind::state_errors};
  draw_troubles(kinds, 1);
}

void ClassDraw::draw_troubles(std::span<const EventKind> kinds, std::uint64_t times_max) {
  draw_some(5s, 60s, [&] {
    Event& event = add(kinds[rng_.below(kinds.size())]);
    event.lasting = time(100ms, 30s);
    const bool slow = event.kind == EventKind::disk_slow || event.kind == EventKind::state_slow;
    event.amount = static_cast<std::int64_t>(slow ? log_between(rng_, 1'000, 3'000'000)
                                                  : between(rng_, 1, times_max));
  });
}

// Some who could tell the node what it lost are silent just then, or it leaves before they have.
void ClassDraw::draw_losses() {
  static constexpr std::array kinds{EventKind::disk_lost, EventKind::disk_rolled_back};
  draw_some(15s, 90s, [this] {
    Event event = add(kinds[rng_.below(kinds.size())]);
    event.lasting = time(100ms, 30s);
    if (event.kind == EventKind::disk_rolled_back) event.lasting += noticed_from;
    events_.back() = event;
    const std::uint64_t company = rng_.below(4);
    if (company == 2) draw_silences_around(event);
    if (company == 0) {
      Event& leave = add(EventKind::leave);
      leave.node = event.node;
      leave.at = event.at + event.lasting + time(100ms, 5s);
    }
    for (std::uint64_t i = company == 1 ? between(rng_, 1, 3) : 0; i > 0; --i) {
      Event& silence = add(EventKind::pause);
      silence.lasting = time(500ms, 40s);
    }
  });
}

// Who is back when the disk is lost missed what was written before; who has it falls silent.
void ClassDraw::draw_silences_around(const Event& loss) {
  const auto count = static_cast<std::uint32_t>(scenario_.nodes.size());
  if (count < 3) return;
  const Duration lost_at = loss.at + (loss.kind == EventKind::disk_lost ? 0s : loss.lasting);
  const Duration back_at = lost_at + (loss.kind == EventKind::disk_lost ? loss.lasting : 1s);
  Event& missing = add(EventKind::pause);
  missing.node = (loss.node + 1) % count;
  missing.at = std::max<Duration>(lost_at - time(500ms, 5s), 0s);
  missing.lasting = back_at - missing.at;
  Event& witness = add(EventKind::pause);
  witness.node = (loss.node + 2) % count;
  witness.at = std::max<Duration>(back_at - time(100ms, 500ms), 0s);
  witness.lasting = time(5s, 40s);
}

// Whole nodes that come back as they were some time ago, or are started twice. Now and then
// somebody who could tell is silent just then, or the node stops while it is told.
void ClassDraw::draw_restores() {
  draw_some(15s, 90s, [this] {
    const bool twice = rng_.below(4) == 0;
    Event event = add(twice ? EventKind::twin : EventKind::node_rolled_back);
    if (!twice) event.lasting = noticed_from + time(1s, 40s);
    events_.back() = event;
    const std::uint64_t company = rng_.below(4);
    if (company > 1) return;
    Event& blow = add(company == 0 ? EventKind::pause : EventKind::crash);
    blow.at += event.lasting + (company == 0 ? 0s : 1s + time(1ms, 500ms));
    if (company == 1) blow.node = event.node;
    blow.lasting = time(10ms, 40s);
  });
}

// The node often stops, stands still or gets one more disk while partitions move or begin anew.
void ClassDraw::draw_bays() {
  static constexpr std::array kinds{EventKind::add_disk, EventKind::add_disk,
                                    EventKind::replace_disk, EventKind::remove_disk};
  static constexpr std::array blows{EventKind::crash, EventKind::crash_in_step, EventKind::pause,
                                    EventKind::disk_slow, EventKind::add_disk};
  if (!scenario_.has_several_disks()) return;
  draw_some(8s, 60s, [this] {
    Event event = add(kinds[rng_.below(kinds.size())]);
    event.lasting = time(100ms, 30s);
    event.amount = static_cast<std::int64_t>(between(rng_, 1, 8));
    event.disk = static_cast<std::uint32_t>(between(rng_, 1, disks_max - 1));
    events_.back() = event;
    if (rng_.below(2) == 0) return;
    Event& blow = add(blows[rng_.below(blows.size())]);
    blow.node = event.node;
    blow.at += (event.kind == EventKind::add_disk ? 0s : event.lasting) + time(1ms, 10s);
    blow.lasting = time(10ms, 20s);
    const bool is_slow = blow.kind == EventKind::disk_slow;
    blow.amount = static_cast<std::int64_t>(is_slow ? log_between(rng_, 1'000, 3'000'000)
                                                    : between(rng_, 1, 30));
  });
}

void ClassDraw::draw_rot() {
  draw_some(4s, 40s, [this] {
    add(EventKind::rot).amount = static_cast<std::int64_t>(rng_.below(1'000'000));
  });
  draw_some(10s, 100s, [this] {
    Event& zeroed = add(EventKind::zeroed);
    zeroed.amount = static_cast<std::int64_t>(rng_.below(1'000'000));
    zeroed.number = static_cast<std::uint32_t>(rng_.below(1'000));
  });
}

}  // namespace pixmesh
