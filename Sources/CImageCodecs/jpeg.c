#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// libjpeg's header needs size_t and FILE to be declared before it.
#include <jerror.h>
#include <jpeglib.h>

#include "image_codecs.h"

/// Encoders write about ten scans; a standard script of every bit plane of every component alone
/// stays under this. Without a limit, a small file could ask for hours of work.
enum { maximum_scans = 100 };

// MARK: Errors

/// One decoder and all that its callbacks need. `library` comes first: callbacks cast back.
typedef struct {
  struct jpeg_decompress_struct library;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf failed;
  char *message;
} decoder;

static void fail(decoder *self, const char *reason) {
  snprintf(self->message, CODEC_MESSAGE_CAPACITY, "%s", reason);
  longjmp(self->failed, 1);
}

static void on_error(j_common_ptr library) {
  char reason[JMSG_LENGTH_MAX];
  library->err->format_message(library, reason);
  fail((decoder *)library, reason);
}

static void on_message(j_common_ptr library, int level) {
  const bool warning = level < 0;
  // A newer revision of JFIF does not change the picture.
  if (warning && library->err->msg_code != JWRN_JFIF_MAJOR) on_error(library);
}

static void on_progress(j_common_ptr library) {
  if (((j_decompress_ptr)library)->input_scan_number > maximum_scans) {
    fail((decoder *)library, "more than 100 scans");
  }
}

// MARK: Reading

/// Reads up to the first scan. The caller has set `failed`.
static codec_header begin(decoder *self, const uint8_t *bytes, size_t count) {
  jpeg_create_decompress(&self->library);
  jpeg_mem_src(&self->library, bytes, count);
  jpeg_save_markers(&self->library, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&self->library, true);

  const int components = self->library.num_components;
  if (components != 1 && components != 3 && components != 4) {
    fail(self, "neither 1, 3 nor 4 colour components");
  }
  return (codec_header){
      .width = self->library.image_width,
      .height = self->library.image_height,
      .channels = components == 1 ? 1 : 3,
  };
}

static int orientation_of(const decoder *self) {
  static const uint8_t signature[] = {'E', 'x', 'i', 'f', 0, 0};
  for (jpeg_saved_marker_ptr at = self->library.marker_list; at; at = at->next) {
    if (at->data_length < sizeof signature) continue;
    if (memcmp(at->data, signature, sizeof signature) != 0) continue; // APP1 also holds XMP.
    return codec_exif_orientation(at->data + sizeof signature, at->data_length - sizeof signature);
  }
  return 1;
}

/// Multiplies what light each ink lets through: `inks` is C, M, Y, K, 255 for no ink.
static void print_inks(const uint8_t *inks, size_t width, uint8_t *pixels) {
  for (size_t x = 0; x < width; x++) {
    const unsigned black = inks[4 * x + 3];
    for (size_t c = 0; c < 3; c++) {
      pixels[3 * x + c] = (uint8_t)((inks[4 * x + c] * black + 127) / 255);
    }
  }
}

static void read_rows(decoder *self, uint8_t *pixels) {
  j_decompress_ptr library = &self->library;
  const bool inked = library->num_components == 4;
  library->out_color_space =
      inked ? JCS_CMYK : library->num_components == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_start_decompress(library);
  for (int i = 0; i < library->num_components; i++) {
    // libjpeg fetches a component's table with its first scan.
    if (!library->comp_info[i].quant_table) fail(self, "a colour component without data");
  }

  const size_t row = (size_t)library->output_width * (inked ? 3 : (size_t)library->num_components);
  JSAMPARRAY inks = inked
      ? library->mem->alloc_sarray((j_common_ptr)library, JPOOL_IMAGE, library->output_width * 4, 1)
      : NULL;
  while (library->output_scanline < library->output_height) {
    uint8_t *to = pixels + library->output_scanline * row;
    JSAMPROW rows[] = {inked ? inks[0] : to};
    jpeg_read_scanlines(library, rows, 1);
    if (!inked) continue;
    if (!library->saw_Adobe_marker) { // Adobe stores light, everybody else stores ink.
      for (size_t i = 0; i < 4 * (size_t)library->output_width; i++) inks[0][i] = 255 - inks[0][i];
    }
    print_inks(inks[0], library->output_width, to);
  }
  jpeg_finish_decompress(library);
}

/// Coefficients of four components, 2 bytes each, in whole blocks of at most 32 pixels a side; beside
/// them the saved markers and some rows.
static long memory_for(const codec_header *header, size_t count) {
  const size_t rows = (size_t)1 << 24;
  return (long)(8 * ((size_t)header->width + 32) * ((size_t)header->height + 32) + count + rows);
}

static void prepare(decoder *self, char *message) {
  memset(self, 0, sizeof *self);
  self->message = message;
  self->library.err = jpeg_std_error(&self->errors);
  self->errors.error_exit = on_error;
  self->errors.emit_message = on_message;
  self->progress.progress_monitor = on_progress;
}

static codec_status try_header(
    decoder *self, const uint8_t *bytes, size_t count, codec_header *header) {
  if (setjmp(self->failed)) return codec_failed;
  *header = begin(self, bytes, count);
  return codec_done;
}

static codec_status try_decode(
    decoder *self, const uint8_t *bytes, size_t count, const codec_header *header, uint8_t *pixels,
    int *orientation) {
  if (setjmp(self->failed)) return codec_failed;
  const codec_header found = begin(self, bytes, count);
  if (found.width != header->width || found.height != header->height
      || found.channels != header->channels) {
    fail(self, "another header than before");
  }
  self->library.mem->max_memory_to_use = memory_for(header, count);
  self->library.progress = &self->progress;
  *orientation = orientation_of(self); // Before the end of the data, with which libjpeg drops it.
  read_rows(self, pixels);
  return codec_done;
}

codec_status codec_jpeg_read_header(
    const uint8_t *bytes, size_t count, codec_header *header, char *message) {
  decoder self;
  prepare(&self, message);
  const codec_status status = try_header(&self, bytes, count, header);
  jpeg_destroy_decompress(&self.library);
  return status;
}

codec_status codec_jpeg_decode(
    const uint8_t *bytes, size_t count, const codec_header *header, uint8_t *pixels,
    int *orientation, char *message) {
  decoder self;
  prepare(&self, message);
  const codec_status status = try_decode(&self, bytes, count, header, pixels, orientation);
  jpeg_destroy_decompress(&self.library);
  return status;
}
