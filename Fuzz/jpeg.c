// Any bytes either decode as JPEG or are refused, within memory bounds.

#include <stdlib.h>

#include "image_codecs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  char message[CODEC_MESSAGE_CAPACITY];
  codec_header header;
  codec_jpeg *picture = codec_jpeg_open(bytes, count, &header, message);
  if (!picture) return 0;
  const uint64_t pixels = (uint64_t)header.width * header.height;
  if (pixels <= 1 << 18) {
    uint8_t *decoded = malloc(pixels * header.channels);
    codec_findings findings;
    if (codec_jpeg_decode(picture, decoded, &findings, message) == codec_done) {
      if (findings.orientation < 1 || findings.orientation > 8) abort();
    }
    free(decoded);
  }
  codec_jpeg_close(picture);
  return 0;
}
