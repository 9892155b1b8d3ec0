#include "cli/descriptions.h"

#include "cli/errors.h"
#include "processing/closest.h"

namespace pixmesh {

Json json_of(const Version& version) {
  return Json{{"clock", version.clock}, {"writer", to_text(version.writer)}};
}

Json json_of(const std::vector<Tag>& tags) {
  Json object = Json::object();
  for (const Tag& tag : tags) object[tag.key] = tag.value;
  return object;
}

Json json_of(const MediaFacts& media) {
  return Json{{"type", media.type}, {"width", media.width}, {"height", media.height}};
}

Json json_of(const HolderAddress& holder) {
  return Json{{"node", to_text(holder.node)},
              {"address", holder.control},
              {"bulk", holder.bulk},
              {"zone", holder.zone},
              {"alive", holder.alive}};
}

Json json_of(const ListEntry& entry) {
  return Json{
      {"name", entry.name}, {"version", json_of(entry.version)}, {"digest", to_text(entry.digest)},
      {"size", entry.size}, {"media", json_of(entry.media)},     {"tags", json_of(entry.tags)}};
}

Json json_of(const LookupAnswer& found) {
  Json object{{"name", found.record.name},
              {"version", json_of(found.record.version)},
              {"digest", to_text(found.record.digest)},
              {"size", found.record.size},
              {"media", json_of(found.record.media)},
              {"tags", json_of(found.record.tags)},
              {"confirmed", found.confirmed},
              {"partition", found.partition.raw}};
  object["holders"] = Json::array();
  for (const HolderAddress& holder : found.holders) object["holders"].push_back(json_of(holder));
  return object;
}

Json json_of(const std::string& name, const WriteDone& done) {
  Json object{{"name", name},
              {"stored", done.stored},
              {"version", json_of(done.version)},
              {"digest", to_text(done.digest)},
              {"size", done.size},
              {"media", json_of(done.media)},
              {"copies", done.copies},
              {"copies_wanted", done.copies_wanted}};
  object["holders"] = Json::array();
  for (const NodeId& holder : done.holders) object["holders"].push_back(to_text(holder));
  return object;
}

std::string text_of(const std::vector<Tag>& tags) {
  std::string text;
  for (const Tag& tag : tags) text += (text.empty() ? "" : " ") + tag.key + "=" + tag.value;
  return text;
}

std::string pixels_of(const MediaFacts& media) {
  if (media.width == 0 || media.height == 0) return "-";
  return std::to_string(media.width) + "x" + std::to_string(media.height);
}

std::string type_of(const MediaFacts& media) { return media.type.empty() ? "-" : media.type; }

std::string line_of(const std::string& name, const WriteDone& done) {
  return printable(name) + "  version " + version_text(done.version) + "  copies " +
         std::to_string(done.copies) + "/" + std::to_string(done.copies_wanted);
}

int report_write(Output& output, const std::string& name, const WriteDone& done, Json facts) {
  facts.update(json_of(name, done));
  if (!done.stored) {
    output.print(printable(name) + "  exists already, left as it is\n");
    output.object(facts);
    return exit_ok;
  }
  output.print(line_of(name, done) + "\n");
  const bool fewer = done.code == ErrorCode::fewer_copies;
  if (!fewer) {
    if (!done.detail.empty()) output.say("pixmesh: " + done.detail);
    output.object(facts);
    return exit_ok;
  }
  const std::string why =
      done.detail.empty() ? "fewer copies than asked for are durable" : done.detail;
  return output.fail({ErrorCode::fewer_copies, shown(name) + ": " + why}, std::move(facts));
}

void warn_unconfirmed(Output& output, const std::string& name, bool confirmed) {
  if (confirmed) return;
  output.say("pixmesh: " + name +
             ": too few holders answer to confirm that this is the newest version; --strict "
             "refuses such answers");
}

}  // namespace pixmesh
