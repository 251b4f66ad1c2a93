#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "image_codecs.h"

struct codec_png {
  png_structp png;
  png_infop info;
  codec_header header;
  codec_findings findings;
  const uint8_t *next;
  size_t remaining;
  /// Of the call under way.
  char *message;
};

// MARK: Errors

static void explain(char *message, png_const_charp reason) {
  snprintf(message, CODEC_MESSAGE_CAPACITY, "%s", reason);
}

static void fail(png_structp png, png_const_charp reason) {
  const codec_png *self = png_get_error_ptr(png);
  explain(self->message, reason);
  png_longjmp(png, 1);
}

/// libpng warns of what it can pass over. Data after that of the last row leaves the picture whole;
/// everything else has always been an error here.
static void on_warning(png_structp png, png_const_charp reason) {
  static const char *const flaws[] = {
      "Too much image data", "Extra compressed data", "Too many IDATs found",
  };
  codec_png *self = png_get_error_ptr(png);
  for (size_t i = 0; i < sizeof flaws / sizeof flaws[0]; i++) {
    if (!strstr(reason, flaws[i])) continue;
    explain(self->findings.flaw, "data after that of the last row");
    return;
  }
  fail(png, reason);
}

// MARK: Reading

static void take(png_structp png, png_bytep bytes, size_t count) {
  codec_png *self = png_get_io_ptr(png);
  if (count > self->remaining) png_error(png, "a truncated file");
  memcpy(bytes, self->next, count);
  self->next += count;
  self->remaining -= count;
}

/// Sees every chunk that does not make the picture.
static int on_other_chunk(png_structp png, png_unknown_chunkp chunk) {
  const bool critical = !(chunk->name[0] & 0x20);
  if (critical) png_chunk_error(png, "an unknown chunk without which there is no picture");
  if (memcmp(chunk->name, "eXIf", 4) == 0) {
    codec_png *self = png_get_user_chunk_ptr(png);
    self->findings.orientation = codec_exif_orientation(chunk->data, chunk->size);
  }
  return 1;
}

/// Reads up to the picture.
static void begin(codec_png *self) {
  png_structp png = self->png;
  png_set_read_fn(png, self, take);
  png_set_benign_errors(png, true); // `on_warning` decides.
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); // The caller sets the limits.
  // A chunk that claims to be longer than the file need not be allocated to be found truncated.
  png_set_chunk_malloc_max(png, self->remaining);
  // No metadata is parsed (nor unpacked) but for the orientation.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_read_user_chunk_fn(png, self, on_other_chunk);
  png_read_info(png, self->info);
  self->header = (codec_header){
      .width = png_get_image_width(png, self->info),
      .height = png_get_image_height(png, self->info),
      .channels = png_get_color_type(png, self->info) & PNG_COLOR_MASK_COLOR ? 3 : 1,
  };
}

static uint8_t on_white(unsigned colour, unsigned alpha) {
  return (uint8_t)((colour * alpha + 255 * (255 - alpha) + 127) / 255);
}

/// Replaces palette indices, which lie in the last third of `pixels`, by their colours. (libpng
/// would show an index without an entry as black.)
static void look_up(png_structp png, png_infop info, uint8_t *pixels, size_t count) {
  png_colorp palette = NULL;
  int entries = 0;
  png_get_PLTE(png, info, &palette, &entries);
  png_bytep alpha = NULL;
  int alphas = 0;
  png_get_tRNS(png, info, &alpha, &alphas, NULL);

  const uint8_t *indices = pixels + 2 * count;
  for (size_t i = 0; i < count; i++) {
    const int index = indices[i];
    if (index >= entries) png_error(png, "a palette index without an entry");
    const unsigned opacity = index < alphas ? alpha[index] : 255;
    pixels[3 * i] = on_white(palette[index].red, opacity);
    pixels[3 * i + 1] = on_white(palette[index].green, opacity);
    pixels[3 * i + 2] = on_white(palette[index].blue, opacity);
  }
}

static void read_indices(png_structp png) { png_set_packing(png); }

static void read_samples(png_structp png) {
  png_set_expand(png);
  png_set_scale_16(png);
  // Of the depth after expansion or scaling, whatever the file's.
  const png_color_16 white = {.red = 255, .green = 255, .blue = 255, .gray = 255};
  png_set_background_fixed(png, &white, PNG_BACKGROUND_GAMMA_SCREEN, false, PNG_FP_1);
}

static void read_rows(
    png_structp png, png_infop info, const codec_header *header, uint8_t *pixels) {
  const bool indexed = png_get_color_type(png, info) == PNG_COLOR_TYPE_PALETTE;
  const size_t count = (size_t)header->width * header->height;
  if (indexed) read_indices(png); else read_samples(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);

  uint8_t *const first = indexed ? pixels + 2 * count : pixels;
  const size_t row = (size_t)header->width * (indexed ? 1 : header->channels);
  if (png_get_rowbytes(png, info) != row) png_error(png, "an unknown pixel format");
  for (int pass = 0; pass < passes; pass++) {
    for (size_t y = 0; y < header->height; y++) png_read_row(png, first + y * row, NULL);
  }
  png_read_end(png, info); // Shows later chunks to on_other_chunk as well.
  if (indexed) look_up(png, info, pixels, count);
}

void codec_png_close(codec_png *self) {
  if (!self) return;
  png_destroy_read_struct(&self->png, &self->info, NULL);
  free(self);
}

codec_png *codec_png_open(
    const uint8_t *bytes, size_t count, codec_header *header, char *message) {
  codec_png *self = calloc(1, sizeof *self);
  if (self) {
    *self = (codec_png){
        .findings = {.orientation = 1}, .next = bytes, .remaining = count, .message = message};
    self->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, self, fail, on_warning);
    if (self->png) self->info = png_create_info_struct(self->png);
  }
  if (!self || !self->info) {
    explain(message, "out of memory");
    codec_png_close(self);
    return NULL;
  }
  if (setjmp(png_jmpbuf(self->png))) {
    codec_png_close(self);
    return NULL;
  }
  begin(self);
  *header = self->header;
  return self;
}

codec_status codec_png_decode(
    codec_png *self, uint8_t *pixels, codec_findings *findings, char *message) {
  self->message = message;
  if (setjmp(png_jmpbuf(self->png))) return codec_failed;
  read_rows(self->png, self->info, &self->header, pixels);
  *findings = self->findings;
  return codec_done;
}

// MARK: Writing

static void fail_to_write(png_structp png, png_const_charp reason) {
  explain(png_get_error_ptr(png), reason);
  png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp reason) {
  (void)png;
  (void)reason;
}

static codec_status out_of_memory(char *message) {
  explain(message, "out of memory");
  return codec_failed;
}

typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
} writer;

static void put(png_structp png, png_bytep bytes, size_t count) {
  writer *sink = png_get_io_ptr(png);
  if (count > sink->capacity - sink->count) {
    const size_t capacity = 2 * (sink->count + count);
    uint8_t *larger = realloc(sink->bytes, capacity);
    if (!larger) png_error(png, "out of memory");
    sink->bytes = larger;
    sink->capacity = capacity;
  }
  memcpy(sink->bytes + sink->count, bytes, count);
  sink->count += count;
}

static void flush(png_structp png) { (void)png; }

static const int filter_masks[] = {
    [codec_filter_none] = PNG_FILTER_NONE,     [codec_filter_sub] = PNG_FILTER_SUB,
    [codec_filter_up] = PNG_FILTER_UP,         [codec_filter_average] = PNG_FILTER_AVG,
    [codec_filter_paeth] = PNG_FILTER_PAETH,   [codec_filter_adaptive] = PNG_ALL_FILTERS,
};

/// On failure, what `sink` holds by then is still the caller's to free.
static codec_status write_file(
    writer *sink, const uint8_t *pixels, const codec_header *header, codec_png_filter filter,
    codec_png_effort effort, char *message) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, message, fail_to_write, ignore);
  if (!png) return out_of_memory(message);
  png_infop info = png_create_info_struct(png);
  if (!info) {
    png_destroy_write_struct(&png, NULL);
    return out_of_memory(message);
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    return codec_failed;
  }
  png_set_write_fn(png, sink, put, flush);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  if (effort == codec_effort_quick) png_set_compression_strategy(png, Z_RLE);
  else png_set_compression_level(png, 9);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, filter_masks[filter]);
  png_set_IHDR(
      png, info, header->width, header->height, 8,
      header->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
      PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  const size_t row = (size_t)header->width * header->channels;
  for (size_t y = 0; y < header->height; y++) png_write_row(png, pixels + y * row);
  png_write_end(png, NULL);
  png_destroy_write_struct(&png, &info);
  return codec_done;
}

codec_status codec_png_encode(
    const uint8_t *pixels, const codec_header *header, codec_png_filter filter, codec_png_effort effort,
    uint8_t **encoded, size_t *encoded_count, char *message) {
  writer sink = {NULL, 0, 0};
  if (write_file(&sink, pixels, header, filter, effort, message) != codec_done) {
    free(sink.bytes);
    return codec_failed;
  }
  *encoded = sink.bytes;
  *encoded_count = sink.count;
  return codec_done;
}
