#include "base/disk.h"

namespace pixmesh {

DiskOperation::DiskOperation() = default;
DiskOperation::DiskOperation(const DiskOperation&) = default;
DiskOperation::DiskOperation(DiskOperation&&) noexcept = default;
DiskOperation& DiskOperation::operator=(const DiskOperation&) = default;
DiskOperation& DiskOperation::operator=(DiskOperation&&) noexcept = default;
DiskOperation::~DiskOperation() = default;

DiskAnswer::DiskAnswer() = default;
DiskAnswer::DiskAnswer(const DiskAnswer&) = default;
DiskAnswer::DiskAnswer(DiskAnswer&&) noexcept = default;
DiskAnswer& DiskAnswer::operator=(const DiskAnswer&) = default;
DiskAnswer& DiskAnswer::operator=(DiskAnswer&&) noexcept = default;
DiskAnswer::~DiskAnswer() = default;

}  // namespace pixmesh
