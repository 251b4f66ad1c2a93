#include "inflate.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

enum { drained_at_once = 1 << 24 };

// zlib counts in 32 bits: it is fed and drained in pieces.
static uInt piece(size_t left, uInt most) { return left < most ? (uInt)left : most; }

gunzip_status gunzip(const uint8_t *input, size_t count, uint8_t *output, size_t capacity,
                     size_t most_of_one, size_t *written) {
  *written = 0;
  z_stream stream;
  memset(&stream, 0, sizeof stream);
  int code = inflateInit2(&stream, 16 + MAX_WBITS);  // 16: gzip, and nothing else
  if (code != Z_OK) return code == Z_MEM_ERROR ? GUNZIP_NO_MEMORY : GUNZIP_DAMAGED;

  size_t consumed = 0;
  gunzip_status status = GUNZIP_TRUNCATED;
  for (;;) {
    uInt fed = piece(count - consumed, UINT_MAX);
    uInt room = piece(capacity - *written, drained_at_once);
    stream.next_in = (Bytef *)(input + consumed);
    stream.avail_in = fed;
    stream.next_out = output + *written;
    stream.avail_out = room;
    code = inflate(&stream, Z_NO_FLUSH);
    size_t taken = fed - stream.avail_in, made = room - stream.avail_out;
    consumed += taken;
    *written += made;

    if (most_of_one > 0 && made == drained_at_once && made / most_of_one > taken) {
      status = GUNZIP_BOMB;
      break;
    }
    if (code == Z_STREAM_END) {
      if (consumed == count) {
        status = GUNZIP_DONE;
        break;
      }
      if (inflateReset(&stream) != Z_OK) {
        status = GUNZIP_DAMAGED;
        break;
      }
    } else if (code == Z_OK || code == Z_BUF_ERROR) {
      if (taken > 0 || made > 0) continue;
      status = consumed == count && *written < capacity ? GUNZIP_TRUNCATED : GUNZIP_FULL;
      break;
    } else {
      status = code == Z_MEM_ERROR ? GUNZIP_NO_MEMORY : GUNZIP_DAMAGED;
      break;
    }
  }
  inflateEnd(&stream);
  return status;
}
