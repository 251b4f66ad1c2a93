// Any bytes either decode as JPEG or are refused, within memory bounds.

#include <stdlib.h>

#include "image_codecs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  char message[CODEC_MESSAGE_CAPACITY];
  codec_header header;
  if (codec_jpeg_read_header(bytes, count, &header, message) != codec_done) return 0;
  const uint64_t pixels = (uint64_t)header.width * header.height;
  if (pixels > 1 << 18) return 0;
  uint8_t *decoded = malloc(pixels * header.channels);
  int orientation = 1;
  if (codec_jpeg_decode(bytes, count, &header, decoded, &orientation, message) == codec_done) {
    if (orientation < 1 || orientation > 8) abort();
  }
  free(decoded);
  return 0;
}
