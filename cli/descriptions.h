#pragma once

#include <string>
#include <vector>

#include "cli/output.h"
#include "client/client.h"

// Values of the mesh as objects for scripts and words for people. The keys are stable.
namespace pixmesh {

[[nodiscard]] Json json_of(const Version& version);  // {"clock": …, "writer": "…"}
[[nodiscard]] Json json_of(const std::vector<Tag>& tags);
[[nodiscard]] Json json_of(const MediaFacts& media);
[[nodiscard]] Json json_of(const HolderAddress& holder);
[[nodiscard]] Json json_of(const ListEntry& entry);
[[nodiscard]] Json json_of(const LookupAnswer& found);
/// A write's end. @param name  of the image.
[[nodiscard]] Json json_of(const std::string& name, const WriteDone& done);

[[nodiscard]] std::string text_of(const std::vector<Tag>& tags);  // "a=1 b=2"
[[nodiscard]] std::string pixels_of(const MediaFacts& media);     // "6000x4000", "-" if unknown
[[nodiscard]] std::string type_of(const MediaFacts& media);       // "jpeg", "-" if unknown

/// "cat.jpg  version 1795521600000000-5ad0c0d1  copies 2/3".
[[nodiscard]] std::string line_of(const std::string& name, const WriteDone& done);

/// Reports the end of a write. @returns 0, or 4 when there are fewer copies than asked.
int report_write(Output& output, const std::string& name, const WriteDone& done,
                 Json facts = Json::object());

/// Says on stderr that an answer is not the quorum's, if so.
void warn_unconfirmed(Output& output, const std::string& name, bool confirmed);

}  // namespace pixmesh
