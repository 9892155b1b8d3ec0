#pragma once

namespace pixmesh {

/// Has libvips make images of 8 bits narrower by code of ours from now on, in this process, if it
/// is a version before 8.15: those add up one sample after the other there, a tenth of the time of
/// a thumbnail of a JPEG; later ones have vector code of their own. The results are the same to the
/// last bit: those of the operation `reduceh` with the Lanczos kernel of three lobes, masks for 64
/// positions between two samples, weights of 12 bits that are cut off. All else is left to libvips.
void use_horizontal_reduce();

}  // namespace pixmesh
