#include "host/config/recipe_file.h"

namespace pixmesh {

// Written for Debian 12: libvips-tools 8.14, imagemagick 6.9.11, perl-base. ImageMagick is given
// `{in}[0]` because it would write one file for each page of a TIFF. libvips prints no JSON, so
// `info` lets perl, which every Debian has, read vipsheader's lines; it starts it without a shell.
// `info` reads no picture, so it may tell how many a file has.
// What says engine = "vips" is done by pixmesh-vips-worker where that lies beside the node.
std::string_view built_in_recipe_text() {
  return R"toml(
[recipe.thumbnail]
summary = "Fit an image into a box"
argv    = ["vipsthumbnail", "{in}", "--size", "{width}x{height}", "-o", "{out}[Q={quality}]"]
output  = "jpg"
accepts = ["jpeg", "png", "tiff", "webp"]
engine  = "vips"
[recipe.thumbnail.param]
width   = { type = "int", min = 1, max = 16384, default = 800 }
height  = { type = "int", min = 1, max = 16384, default = 800 }
quality = { type = "int", min = 1, max = 100, default = 85 }
[recipe.thumbnail.limit]
wall   = "60s"
memory = "2GiB"
output = "256MiB"

[recipe.thumbnail-fast]
summary = "Fit an image into a box, decoding less of a JPEG"
argv    = ["vipsthumbnail", "{in}", "--size", "{width}x{height}", "-o", "{out}[Q={quality}]"]
output  = "jpg"
accepts = ["jpeg", "png", "tiff", "webp"]
engine  = "vips"
fast_shrink_on_load = true
[recipe.thumbnail-fast.param]
width   = { type = "int", min = 1, max = 16384, default = 800 }
height  = { type = "int", min = 1, max = 16384, default = 800 }
quality = { type = "int", min = 1, max = 100, default = 85 }
[recipe.thumbnail-fast.limit]
wall   = "60s"
memory = "2GiB"
output = "256MiB"

[recipe.resize]
summary = "Scale an image by a factor"
argv    = ["vips", "resize", "{in}", "{out}[Q={quality}]", "{scale}", "--kernel", "{kernel}"]
output  = "{format}"
accepts = ["jpeg", "png", "tiff", "webp"]
engine  = "vips"
[recipe.resize.param]
scale   = { type = "float", min = 0.001, max = 10.0, default = 0.5 }
kernel = {type = "enum", values = ["nearest", "linear", "cubic", "lanczos3"], default = "lanczos3" }
format  = { type = "enum", values = ["jpg", "png", "tif", "webp"], default = "jpg" }
quality = { type = "int", min = 1, max = 100, default = 85 }

[recipe.convert]
summary = "Store an image in another format"
argv    = ["vips", "copy", "{in}", "{out}[Q={quality}]"]
output  = "{format}"
accepts = ["jpeg", "png", "tiff", "webp"]
engine  = "vips"
[recipe.convert.param]
format  = { type = "enum", values = ["jpg", "png", "tif", "webp"], default = "jpg" }
quality = { type = "int", min = 1, max = 100, default = 85 }

[recipe.crop]
summary = "Cut a rectangle out of an image"
argv    = ["vips", "crop", "{in}", "{out}[Q={quality}]", "{left}", "{top}", "{width}", "{height}"]
output  = "{format}"
accepts = ["jpeg", "png", "tiff", "webp"]
engine  = "vips"
[recipe.crop.param]
left    = { type = "int", min = 0, max = 1000000, default = 0 }
top     = { type = "int", min = 0, max = 1000000, default = 0 }
width   = { type = "int", min = 1, max = 1000000, default = 256 }
height  = { type = "int", min = 1, max = 1000000, default = 256 }
format  = { type = "enum", values = ["jpg", "png", "tif", "webp"], default = "jpg" }
quality = { type = "int", min = 1, max = 100, default = 85 }

[recipe.rotate]
summary = "Turn an image clockwise by quarter turns"
argv    = ["vips", "rot", "{in}", "{out}[Q={quality}]", "d{angle}"]
output  = "{format}"
accepts = ["jpeg", "png", "tiff", "webp"]
engine  = "vips"
[recipe.rotate.param]
angle   = { type = "enum", values = ["90", "180", "270"], default = "90" }
format  = { type = "enum", values = ["jpg", "png", "tif", "webp"], default = "jpg" }
quality = { type = "int", min = 1, max = 100, default = 85 }

[recipe.sharpen]
summary = "Sharpen an image, for use behind a thumbnail"
argv    = ["vips", "sharpen", "{in}", "{out}[Q={quality}]", "--sigma", "{sigma}",
           "--m2", "{strength}"]
output  = "{format}"
accepts = ["jpeg", "png", "tiff", "webp"]
engine  = "vips"
[recipe.sharpen.param]
sigma    = { type = "float", min = 0.1, max = 10.0, default = 0.5 }
strength = { type = "float", min = 0.0, max = 100.0, default = 3.0 }
format   = { type = "enum", values = ["jpg", "png", "tif", "webp"], default = "jpg" }
quality  = { type = "int", min = 1, max = 100, default = 85 }

[recipe.info]
summary = "Describe an image in JSON, from its header only"
argv    = ["perl", "-e", '''
my %v;
open(my $lines, "-|", "vipsheader", "-a", $ARGV[0]) or die "vipsheader: $!\n";
while (<$lines>) {{ $v{{$1}} = $2 if /^([a-z-]+): ([\w.-]+)$/ }}
close($lines) or exit 1;
my @names = qw(width height bands format interpretation vips-loader orientation n-pages);
my @pairs = map {{ "\"$_\":" . ($v{{$_}} =~ /^\d+$/ ? $v{{$_}} : "\"$v{{$_}}\"") }}
            grep {{ defined $v{{$_}} }} @names;
print "{{", join(",", @pairs), "}}\n";
''', "{in}"]
needs   = ["vipsheader"]
output  = "json"
stdout  = true
accepts = ["jpeg", "png", "tiff", "webp"]
[recipe.info.limit]
wall   = "20s"
memory = "1GiB"
output = "1MiB"
frames = 10000

[recipe.im-resize]
summary = "Fit an image into a box, with ImageMagick"
argv    = ["convert", "-define", "jpeg:size={width}x{height}", "{in}[0]", "-auto-orient",
           "-resize", "{width}x{height}", "-quality", "{quality}", "{out}"]
output  = "{format}"
accepts = ["jpeg", "png", "tiff", "webp"]
[recipe.im-resize.param]
width   = { type = "int", min = 1, max = 16384, default = 800 }
height  = { type = "int", min = 1, max = 16384, default = 800 }
format  = { type = "enum", values = ["jpg", "png", "tif", "webp"], default = "jpg" }
quality = { type = "int", min = 1, max = 100, default = 85 }

[recipe.im-identify]
summary = "Describe an image in JSON, with ImageMagick"
argv    = ["identify", "-format",
           '{{"format":"%m","width":%w,"height":%h,"depth":%z,"colorspace":"%[colorspace]"}}\n',
           "{in}[0]"]
output  = "json"
stdout  = true
accepts = ["jpeg", "png", "tiff", "webp"]
[recipe.im-identify.limit]
wall   = "20s"
memory = "1GiB"
output = "1MiB"
)toml";
}

}  // namespace pixmesh
