#pragma once

#include "wire/message.h"

namespace pixmesh {

/// How the parts of a node send control messages. A message to the node itself comes back as an
/// event of its own, after the present one.
class Post {
 public:
  virtual ~Post() = default;
  virtual void to_member(NodeId to, Message message) = 0;
  virtual void to_link(LinkId to, Message message) = 0;
};

}  // namespace pixmesh
