#include "host/tools/magick_policy.h"

#include <fstream>
#include <system_error>

namespace pixmesh {
namespace {

// The last rule that fits counts.
constexpr const char* policy = R"xml(<?xml version="1.0" encoding="UTF-8"?>
<policymap>
  <policy domain="coder" rights="none" pattern="*"/>
  <policy domain="coder" rights="read | write"
          pattern="{JPEG,JPG,PNG,PNG8,PNG24,PNG32,PNG48,PNG64,TIFF,TIF,TIFF64,WEBP,GIF}"/>
  <policy domain="delegate" rights="none" pattern="*"/>
  <policy domain="filter" rights="none" pattern="*"/>
  <policy domain="path" rights="none" pattern="@*"/>
</policymap>
)xml";

}  // namespace

Result<Done> write_magick_policy(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  const fs::path path = folder / "policy.xml";
  std::error_code error;
  fs::create_directories(folder, error);
  std::ofstream file(path, std::ios::trunc);
  file << policy << std::flush;
  // A sandbox may give tools another user, who must not be without the policy.
  if (file && !error) fs::permissions(folder, fs::perms(0755), error);
  if (file && !error) fs::permissions(path, fs::perms(0644), error);
  if (file && !error) return Done{};
  return Error{ErrorCode::failed, "cannot write " + path.string()};
}

}  // namespace pixmesh
