#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_codecs.h"

// MARK: Errors

static void fail(png_structp png, png_const_charp reason) {
  snprintf(png_get_error_ptr(png), CODEC_MESSAGE_CAPACITY, "%s", reason);
  png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp reason) {
  (void)png;
  (void)reason;
}

static codec_status out_of_memory(char *message) {
  snprintf(message, CODEC_MESSAGE_CAPACITY, "out of memory");
  return codec_failed;
}

// MARK: Reading

typedef struct {
  const uint8_t *next;
  size_t remaining;
  int orientation;
} reader;

static void take(png_structp png, png_bytep bytes, size_t count) {
  reader *source = png_get_io_ptr(png);
  if (count > source->remaining) png_error(png, "a truncated file");
  memcpy(bytes, source->next, count);
  source->next += count;
  source->remaining -= count;
}

/// Sees every chunk that does not make the picture.
static int on_other_chunk(png_structp png, png_unknown_chunkp chunk) {
  const bool critical = !(chunk->name[0] & 0x20);
  if (critical) png_chunk_error(png, "an unknown chunk without which there is no picture");
  if (memcmp(chunk->name, "eXIf", 4) == 0) {
    reader *source = png_get_user_chunk_ptr(png);
    source->orientation = codec_exif_orientation(chunk->data, chunk->size);
  }
  return 1;
}

/// Reads up to the picture.
static void begin(png_structp png, png_infop info, reader *source) {
  png_set_read_fn(png, source, take);
  png_set_benign_errors(png, false);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); // The caller sets the limits.
  // A chunk that claims to be longer than the file need not be allocated to be found truncated.
  png_set_chunk_malloc_max(png, source->remaining);
  // No metadata is parsed (nor unpacked) but for the orientation.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_read_user_chunk_fn(png, source, on_other_chunk);
  png_read_info(png, info);
}

static codec_header header_of(png_structp png, png_infop info) {
  return (codec_header){
      .width = png_get_image_width(png, info),
      .height = png_get_image_height(png, info),
      .channels = png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR ? 3 : 1,
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

static png_structp new_reader(png_infop *info, char *message) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, fail, ignore);
  if (!png) return NULL;
  *info = png_create_info_struct(png);
  if (!*info) png_destroy_read_struct(&png, NULL, NULL); // Sets `png` to NULL.
  return png;
}

codec_status codec_png_read_header(
    const uint8_t *bytes, size_t count, codec_header *header, char *message) {
  reader source = {bytes, count, 1};
  png_infop info;
  png_structp png = new_reader(&info, message);
  if (!png) return out_of_memory(message);
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    return codec_failed;
  }
  begin(png, info, &source);
  *header = header_of(png, info);
  png_destroy_read_struct(&png, &info, NULL);
  return codec_done;
}

codec_status codec_png_decode(
    const uint8_t *bytes, size_t count, const codec_header *header, uint8_t *pixels,
    int *orientation, char *message) {
  reader source = {bytes, count, 1};
  png_infop info;
  png_structp png = new_reader(&info, message);
  if (!png) return out_of_memory(message);
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    return codec_failed;
  }
  begin(png, info, &source);
  const codec_header found = header_of(png, info);
  if (found.width != header->width || found.height != header->height
      || found.channels != header->channels) {
    png_error(png, "another header than before");
  }
  read_rows(png, info, header, pixels);
  *orientation = source.orientation;
  png_destroy_read_struct(&png, &info, NULL);
  return codec_done;
}

// MARK: Writing

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
    char *message) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, message, fail, ignore);
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
  png_set_compression_level(png, 9);
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
    const uint8_t *pixels, const codec_header *header, codec_png_filter filter,
    uint8_t **encoded, size_t *encoded_count, char *message) {
  writer sink = {NULL, 0, 0};
  if (write_file(&sink, pixels, header, filter, message) != codec_done) {
    free(sink.bytes);
    return codec_failed;
  }
  *encoded = sink.bytes;
  *encoded_count = sink.count;
  return codec_done;
}
