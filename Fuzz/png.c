// Any bytes either decode as PNG or are refused, within memory bounds.
//
// Most of libpng lies behind a checksum a chunk, which a random change always breaks. So a mutation
// is followed by correct checksums, but for one in eight.

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "image_codecs.h"

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t count, size_t capacity);

static uint32_t big_endian(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void correct_checksums(uint8_t *bytes, size_t count) {
  for (size_t chunk = 8; chunk + 12 <= count;) {
    const size_t length = big_endian(bytes + chunk);
    if (length > count - chunk - 12) return;
    const uint32_t sum = (uint32_t)crc32(0, bytes + chunk + 4, (uInt)length + 4);
    for (int i = 0; i < 4; i++) bytes[chunk + 8 + length + i] = (uint8_t)(sum >> (24 - 8 * i));
    chunk += 12 + length;
  }
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity, unsigned seed) {
  count = LLVMFuzzerMutate(bytes, count, capacity);
  if (seed % 8 != 0) correct_checksums(bytes, count);
  return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  char message[CODEC_MESSAGE_CAPACITY];
  codec_header header;
  codec_png *picture = codec_png_open(bytes, count, &header, message);
  if (!picture) return 0;
  const uint64_t pixels = (uint64_t)header.width * header.height;
  if (pixels <= 1 << 20) {
    uint8_t *decoded = malloc(pixels * header.channels);
    codec_findings findings;
    if (codec_png_decode(picture, decoded, &findings, message) == codec_done) {
      if (findings.orientation < 1 || findings.orientation > 8) abort();
    }
    free(decoded);
  }
  codec_png_close(picture);
  return 0;
}
