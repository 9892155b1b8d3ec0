#pragma once

namespace pixmesh {

/// Has libvips load JPEGs by a loader of ours from now on, in this process. Its images are those of
/// libvips's own loader, pixel for pixel and with all metadata; but the decoder gets the file in
/// pieces of 64 KiB, not 4. libjpeg-turbo decodes symbols by a slower way as long as less than
/// half a KiB a block of what it was given is left, so that takes some 5 % less of the processor.
void use_jpeg_loader();

}  // namespace pixmesh
