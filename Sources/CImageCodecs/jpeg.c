#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// libjpeg's header needs size_t and FILE to be declared before it.
#include <jerror.h>
#include <jpeglib.h>

#include "image_codecs.h"

/// Encoders write about ten scans; a standard script of every bit plane of every component alone
/// stays under this. Without a limit, a small file could ask for hours of work.
enum { maximum_scans = 100 };

// MARK: Errors

/// `library` comes first: callbacks cast back.
struct codec_jpeg {
  struct jpeg_decompress_struct library;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf failed;
  codec_header header;
  codec_findings findings;
  size_t count;
  /// Of the call under way.
  char *message;
};

static void fail(codec_jpeg *self, const char *reason) {
  snprintf(self->message, CODEC_MESSAGE_CAPACITY, "%s", reason);
  longjmp(self->failed, 1);
}

/// Keeps the first flaw.
static void note(codec_jpeg *self, const char *flaw) {
  if (self->findings.flaw[0]) return;
  snprintf(self->findings.flaw, sizeof self->findings.flaw, "%s", flaw);
}

static void on_error(j_common_ptr library) {
  char reason[JMSG_LENGTH_MAX];
  library->err->format_message(library, reason);
  fail((codec_jpeg *)library, reason);
}

/// Whether the picture is whole in spite of what a warning is about.
static bool is_mere_flaw(int code) {
  return code == JWRN_EXTRANEOUS_DATA // Bytes between two segments, or after a scan that was whole.
      || code == JWRN_NOT_SEQUENTIAL // Parameters that only a progressive scan would heed.
      || code == JWRN_ADOBE_XFORM; // An unknown kind of colours: taken for the usual one.
}

static void on_message(j_common_ptr library, int level) {
  const int code = library->err->msg_code;
  if (level >= 0 || code == JWRN_JFIF_MAJOR) return; // A newer JFIF does not change the picture.
  if (!is_mere_flaw(code)) on_error(library);
  char reason[JMSG_LENGTH_MAX];
  library->err->format_message(library, reason);
  note((codec_jpeg *)library, reason);
}

static void on_progress(j_common_ptr library) {
  if (((j_decompress_ptr)library)->input_scan_number > maximum_scans) {
    fail((codec_jpeg *)library, "more than 100 scans");
  }
}

// MARK: Reading

/// Reads up to the first scan.
static void begin(codec_jpeg *self, const uint8_t *bytes) {
  jpeg_create_decompress(&self->library);
  jpeg_mem_src(&self->library, bytes, self->count);
  jpeg_save_markers(&self->library, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&self->library, true);

  const int components = self->library.num_components;
  if (components != 1 && components != 3 && components != 4) {
    fail(self, "neither 1, 3 nor 4 colour components");
  }
  self->header = (codec_header){
      .width = self->library.image_width,
      .height = self->library.image_height,
      .channels = components == 1 ? 1 : 3,
  };
}

static int orientation_of(const codec_jpeg *self) {
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

/// How much of the picture has come by the end of the data. libjpeg shows the rest as it stands: colours
/// without data as none, coefficients without data as zeros or smoothed.
static void require_data(codec_jpeg *self) {
  const j_decompress_ptr library = &self->library;
  bool is_finished = true;
  for (int i = 0; i < library->num_components; i++) {
    // libjpeg fetches a component's table with its first scan.
    const bool has_data = library->comp_info[i].quant_table;
    if (!has_data && (i == 0 || !library->progressive_mode)) {
      fail(self, "a colour component without data");
    }
    is_finished = is_finished && has_data;
    for (int k = 0; library->coef_bits && k < DCTSIZE2; k++) {
      // -1: nothing yet; else the bits that are still missing.
      is_finished = is_finished && library->coef_bits[i][k] == 0;
    }
  }
  if (!is_finished) note(self, "the end of a progressive image before its last scan");
}

static void read_rows(codec_jpeg *self, uint8_t *pixels) {
  j_decompress_ptr library = &self->library;
  const bool inked = library->num_components == 4;
  library->out_color_space =
      inked ? JCS_CMYK : library->num_components == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_start_decompress(library);
  require_data(self);

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

void codec_jpeg_close(codec_jpeg *self) {
  if (!self) return;
  jpeg_destroy_decompress(&self->library);
  free(self);
}

codec_jpeg *codec_jpeg_open(
    const uint8_t *bytes, size_t count, codec_header *header, char *message) {
  codec_jpeg *self = calloc(1, sizeof *self);
  if (!self) {
    snprintf(message, CODEC_MESSAGE_CAPACITY, "out of memory");
    return NULL;
  }
  self->findings.orientation = 1;
  self->count = count;
  self->message = message;
  self->library.err = jpeg_std_error(&self->errors);
  self->errors.error_exit = on_error;
  self->errors.emit_message = on_message;
  self->progress.progress_monitor = on_progress;
  if (setjmp(self->failed)) {
    codec_jpeg_close(self);
    return NULL;
  }
  begin(self, bytes);
  *header = self->header;
  return self;
}

codec_status codec_jpeg_decode(
    codec_jpeg *self, uint8_t *pixels, codec_findings *findings, char *message) {
  self->message = message;
  if (setjmp(self->failed)) return codec_failed;
  self->library.mem->max_memory_to_use = memory_for(&self->header, self->count);
  self->library.progress = &self->progress;
  // Before the end of the data, with which libjpeg drops it.
  self->findings.orientation = orientation_of(self);
  read_rows(self, pixels);
  *findings = self->findings;
  return codec_done;
}
