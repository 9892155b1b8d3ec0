#include "host/vips_worker/jpeg_loader.h"

#include <vips/vips.h>

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include "host/vips_worker/held.h"

namespace pixmesh {
namespace {

constexpr int rows_of_a_block = 8;

/// libjpeg at work on one file: its decoder, where its bytes come from, where its errors go.
struct Decoder {
  jpeg_decompress_struct jpeg{};
  jpeg_source_mgr from{};
  jpeg_error_mgr errors{};
  std::jmp_buf failed{};
  VipsSource* source = nullptr;
  std::array<JOCTET, 65536> buffer{};
  int next_row = 0;
};

Decoder& decoder_of(j_common_ptr jpeg) { return *static_cast<Decoder*>(jpeg->client_data); }
Decoder& decoder_of(j_decompress_ptr jpeg) { return *static_cast<Decoder*>(jpeg->client_data); }

[[noreturn]] void note_failure(j_common_ptr jpeg) {
  std::array<char, JMSG_LENGTH_MAX> text{};
  jpeg->err->format_message(jpeg, text.data());
  vips_error("jpegload", "%s", text.data());
  std::longjmp(decoder_of(jpeg).failed, 1);
}

void ignore_warning(j_common_ptr) {}  // as libvips does, unless it is asked to fail on them
void begin_source(j_decompress_ptr) {}
void end_source(j_decompress_ptr) {}

/// A file that ends too early gets an end, as libvips's loader gives it.
boolean fill_buffer(j_decompress_ptr jpeg) {
  Decoder& decoder = decoder_of(jpeg);
  auto count = vips_source_read(decoder.source, decoder.buffer.data(), decoder.buffer.size());
  if (count <= 0) {
    decoder.buffer[0] = 0xff;
    decoder.buffer[1] = JPEG_EOI;
    count = 2;
  }
  jpeg->src->next_input_byte = decoder.buffer.data();
  jpeg->src->bytes_in_buffer = static_cast<std::size_t>(count);
  return TRUE;
}

void skip_bytes(j_decompress_ptr jpeg, long count) {
  for (auto left = static_cast<std::size_t>(count > 0 ? count : 0); left > 0;) {
    if (jpeg->src->bytes_in_buffer == 0) (void)fill_buffer(jpeg);
    const std::size_t part = left < jpeg->src->bytes_in_buffer ? left : jpeg->src->bytes_in_buffer;
    jpeg->src->next_input_byte += part;
    jpeg->src->bytes_in_buffer -= part;
    left -= part;
  }
}

void free_decoder(VipsImage*, Decoder* decoder) {
  jpeg_destroy_decompress(&decoder->jpeg);
  g_object_unref(decoder->source);
  delete decoder;
}

Decoder* new_decoder(VipsSource* source) {
  auto* decoder = new Decoder;
  decoder->source = VIPS_SOURCE(g_object_ref(source));
  decoder->jpeg.err = jpeg_std_error(&decoder->errors);
  decoder->errors.error_exit = note_failure;
  decoder->errors.output_message = ignore_warning;
  decoder->jpeg.client_data = decoder;
  return decoder;
}

/// Whether the decoder has begun with a picture of the plain kind: one pass, 8 bits, colours.
bool begin_plain(Decoder& decoder, const VipsImage* like, int shrink) {
  if (setjmp(decoder.failed) != 0) return false;
  jpeg_create_decompress(&decoder.jpeg);
  decoder.from.init_source = begin_source;
  decoder.from.fill_input_buffer = fill_buffer;
  decoder.from.skip_input_data = skip_bytes;
  decoder.from.resync_to_restart = jpeg_resync_to_restart;
  decoder.from.term_source = end_source;
  decoder.jpeg.src = &decoder.from;
  (void)jpeg_read_header(&decoder.jpeg, TRUE);
  if (decoder.jpeg.progressive_mode != FALSE || decoder.jpeg.jpeg_color_space != JCS_YCbCr) {
    return false;
  }
  decoder.jpeg.scale_num = 1;
  decoder.jpeg.scale_denom = static_cast<unsigned>(shrink);
  decoder.jpeg.out_color_space = JCS_RGB;
  (void)jpeg_start_decompress(&decoder.jpeg);
  return like->Bands == 3 && like->BandFmt == VIPS_FORMAT_UCHAR &&
         static_cast<int>(decoder.jpeg.output_width) == like->Xsize &&
         static_cast<int>(decoder.jpeg.output_height) == like->Ysize;
}

/// The rows are asked for from top to bottom, each once: vips_sequential() sees to it.
int read_rows(VipsRegion* region, void*, void* from, void*, gboolean*) {
  Decoder& decoder = *static_cast<Decoder*>(from);
  const VipsRect& wanted = region->valid;
  if (wanted.top != decoder.next_row || setjmp(decoder.failed) != 0) return -1;
  for (int row = 0; row < wanted.height; ++row) {
    JSAMPROW place = VIPS_REGION_ADDR(region, 0, wanted.top + row);
    (void)jpeg_read_scanlines(&decoder.jpeg, &place, 1);
    ++decoder.next_row;
  }
  return 0;
}

/// What libvips makes of a class in C. The names of its own loaders begin alike, and it asks the
/// ones so called for a shrink.
struct VipsForeignLoadJpegPieces {
  VipsForeignLoad parent_instance;
  VipsSource* source;
  int shrink;
  VipsImage* theirs;  // of libvips's own loader: all that is known before pixels are read
};
struct VipsForeignLoadJpegPiecesClass {
  VipsForeignLoadClass parent_class;
};
using Loader = VipsForeignLoadJpegPieces;
using LoaderClass = VipsForeignLoadJpegPiecesClass;

G_DEFINE_TYPE(VipsForeignLoadJpegPieces, loader, vips_foreign_load_get_type())

Loader* loader_of(void* object) { return static_cast<Loader*>(object); }

int read_header(VipsForeignLoad* load) {
  Loader* loader = loader_of(load);
  if (vips_jpegload_source(loader->source, &loader->theirs, "shrink", loader->shrink, "access",
                           VIPS_ACCESS_SEQUENTIAL, nullptr) != 0) {
    return -1;
  }
  return vips_image_pipelinev(load->out, VIPS_DEMAND_STYLE_THINSTRIP, loader->theirs, nullptr);
}

int load_rows(VipsForeignLoad* load) {
  Loader* loader = loader_of(load);
  if (vips_source_rewind(loader->source) != 0) return -1;
  Decoder* decoder = new_decoder(loader->source);
  g_signal_connect(load->real, "close", G_CALLBACK(free_decoder), decoder);
  if (!begin_plain(*decoder, loader->theirs, loader->shrink)) {
    vips_error_clear();
    return vips_source_rewind(loader->source) == 0 ? vips_image_write(loader->theirs, load->real)
                                                   : -1;
  }
  const Held<VipsImage> rows(vips_image_new());
  Held<VipsImage> ordered;
  const bool made =
      vips_image_pipelinev(rows.get(), VIPS_DEMAND_STYLE_THINSTRIP, loader->theirs, nullptr) == 0 &&
      vips_image_generate(rows.get(), nullptr, read_rows, nullptr, decoder, nullptr) == 0 &&
      vips_sequential(rows.get(), ordered.place(), "tile_height", rows_of_a_block, nullptr) == 0;
  return made ? vips_image_write(ordered.get(), load->real) : -1;
}

VipsForeignFlags read_in_order(VipsForeignLoad*) { return VIPS_FOREIGN_SEQUENTIAL; }

gboolean is_jpeg(VipsSource* source) {
  const unsigned char* start = vips_source_sniff(source, 3);
  return start != nullptr && start[0] == 0xff && start[1] == 0xd8 && start[2] == 0xff ? TRUE
                                                                                      : FALSE;
}

void forget_header(GObject* object) {
  g_clear_object(&loader_of(object)->theirs);
  G_OBJECT_CLASS(loader_parent_class)->dispose(object);
}

void loader_init(Loader* loader) { loader->shrink = 1; }

void loader_class_init(LoaderClass* of) {
  G_OBJECT_CLASS(of)->dispose = forget_header;
  G_OBJECT_CLASS(of)->set_property = vips_object_set_property;
  G_OBJECT_CLASS(of)->get_property = vips_object_get_property;
  VIPS_OBJECT_CLASS(of)->nickname = "jpegload_pieces_source";
  VIPS_OBJECT_CLASS(of)->description = "load JPEG in larger pieces";
  VIPS_OPERATION_CLASS(of)->flags = VIPS_OPERATION_NOCACHE;
  VIPS_FOREIGN_CLASS(of)->priority = 1000;  // before libvips's own
  VIPS_FOREIGN_LOAD_CLASS(of)->is_a_source = is_jpeg;
  VIPS_FOREIGN_LOAD_CLASS(of)->get_flags = read_in_order;
  VIPS_FOREIGN_LOAD_CLASS(of)->header = read_header;
  VIPS_FOREIGN_LOAD_CLASS(of)->load = load_rows;
  VIPS_ARG_OBJECT(of, "source", 1, "Source", "Source to load from", VIPS_ARGUMENT_REQUIRED_INPUT,
                  G_STRUCT_OFFSET(Loader, source), VIPS_TYPE_SOURCE)
  VIPS_ARG_INT(of, "shrink", 20, "Shrink", "Shrink factor on load", VIPS_ARGUMENT_OPTIONAL_INPUT,
               G_STRUCT_OFFSET(Loader, shrink), 1, 16, 1)
}

}  // namespace

void use_jpeg_loader() { (void)loader_get_type(); }

}  // namespace pixmesh
