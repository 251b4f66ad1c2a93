// PNG and JPEG in memory, behind status codes: no longjmp leaves this module.
//
// Decoding takes two steps, so that the caller can refuse absurd dimensions before it allocates: open
// the picture, which reads its header, then decode into a buffer of width * height * channels bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Bytes of the buffer in which a function that fails explains itself: one line, with its final 0.
#define CODEC_MESSAGE_CAPACITY 256

typedef enum { codec_done = 0, codec_failed = 1 } codec_status;

/// The shape of a picture as it is decoded.
typedef struct {
  uint32_t width;
  uint32_t height;
  /// 1 (grey) or 3 (R, G, B).
  uint32_t channels;
} codec_header;

/// What a decoder found beside the pixels.
typedef struct {
  /// The EXIF orientation, 1 ... 8, that is still to be applied.
  int orientation;
  /// What is wrong with the file although the picture is whole: one line, empty where nothing is.
  char flaw[CODEC_MESSAGE_CAPACITY];
} codec_findings;

/// The filters that an encoder may choose from, row by row.
typedef enum {
  codec_filter_none,
  codec_filter_sub,
  codec_filter_up,
  codec_filter_average,
  codec_filter_paeth,
  /// Each row the filter with the least sum of absolute differences.
  codec_filter_adaptive,
} codec_png_filter;

/// A picture that is open for decoding, once.
typedef struct codec_png codec_png;
typedef struct codec_jpeg codec_jpeg;

/// Reads the header. `bytes` must stay as they are until the picture is closed. NULL where it failed.
codec_png *codec_png_open(
    const uint8_t *bytes, size_t count, codec_header *header, char *message);

/// Decodes into `pixels`, 8 bits a sub-pixel: 16 bits are rounded, palettes looked up, and what is
/// transparent shows white. Every byte must be sound: a checksum that fails in any chunk, a palette
/// index without an entry and a missing end are all errors; only data after that of the last row is a
/// mere flaw. Gamma and colour profiles are left unread: sample values stay as they are stored.
codec_status codec_png_decode(
    codec_png *picture, uint8_t *pixels, codec_findings *findings, char *message);

void codec_png_close(codec_png *picture);

/// Quick: of repetitions runs alone. Smallest: compression level 9.
typedef enum { codec_effort_quick, codec_effort_smallest } codec_png_effort;

/// Encodes 8-bit grey or RGB into a new buffer, for the caller to `free`.
codec_status codec_png_encode(
    const uint8_t *pixels, const codec_header *header, codec_png_filter filter,
    codec_png_effort effort,
    uint8_t **encoded, size_t *encoded_count, char *message);

/// Bytes of the smallest file that `codec_png_encode` makes of the pixels at level 9, with the two filters
/// that promise most and with the third where it promises at most `within` times the best one's length; 0
/// where there is not enough memory.
size_t codec_png_least_length(
    const uint8_t *pixels, const codec_header *header, double within);

/// Reads the header. `bytes` must stay as they are until the picture is closed. NULL where it failed.
codec_jpeg *codec_jpeg_open(
    const uint8_t *bytes, size_t count, codec_header *header, char *message);

/// Decodes into `pixels`, 8 bits a sub-pixel. A complaint of the library about the data is an error, a
/// premature end among them, and so are a component without data and a file of more scans than
/// anybody's encoder makes. Mere flaws are bytes that belong to nothing before a marker, scan parameters
/// without a meaning, and the end of a progressive picture before its last scan, which is then shown
/// as far as it goes.
/// Beside `pixels`, at most 8 bytes a pixel are taken, for the coefficients of a progressive picture.
codec_status codec_jpeg_decode(
    codec_jpeg *picture, uint8_t *pixels, codec_findings *findings, char *message);

void codec_jpeg_close(codec_jpeg *picture);

/// The orientation, 1 ... 8, that a block of EXIF (from its byte order mark on) asks for; 1, upright,
/// where it asks for none.
int codec_exif_orientation(const uint8_t *bytes, size_t count);
