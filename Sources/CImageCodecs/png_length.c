// The length of PNG files that are never made: for the smallest of six, the container, its checksums and
// an encoder for each would cost as much as the compression itself.
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "image_codecs.h"

enum { FILTERS = 5 }; // None, sub, up, average, Paeth, numbered as in the file.

static int paeth(int left, int above, int corner) {
  const int p = left + above - corner;
  const int a = abs(p - left), b = abs(p - above), c = abs(p - corner);
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

/// Writes a row of `count` bytes under all filters, each behind its number, the filters' data `apart` bytes
/// from one another; `above` is a row of zeros for the first. Before the first `step` bytes of both rows lie
/// as many zeros. Answers the filter that leaves least, of those that are usable.
static int filter_row(
    const uint8_t *restrict row, const uint8_t *restrict above, int count, int step,
    uint8_t *restrict filtered, size_t apart, const int *usable) {
  for (int filter = 0; filter < FILTERS; filter++) filtered[filter * apart] = (uint8_t)filter;
  filtered++;
  for (int i = 0; i < count; i++) {
    const uint8_t x = row[i], up = above[i], left = row[i - step], corner = above[i - step];
    filtered[i] = x;
    filtered[apart + i] = (uint8_t)(x - left);
    filtered[2 * apart + i] = (uint8_t)(x - up);
    filtered[3 * apart + i] = (uint8_t)(x - (left + up) / 2);
    filtered[4 * apart + i] = (uint8_t)(x - paeth(left, up, corner));
  }
  unsigned long least = ULONG_MAX;
  int best = 0;
  for (int filter = 0; filter < FILTERS; filter++) {
    if (!usable[filter]) continue;
    unsigned long sum = 0;
    for (int i = 0; i < count; i++) sum += (unsigned)abs((int8_t)filtered[filter * apart + i]);
    if (sum < least) least = sum, best = filter;
  }
  return best;
}

/// The bytes that `data` compresses to, or none where they were more than `most`.
static size_t compressed(z_stream *stream, uint8_t *data, size_t count, size_t most) {
  uint8_t waste[8192]; // As much as libpng puts in a chunk.
  const size_t overhead = 12; // Of a chunk: length, name, checksum.
  deflateReset(stream);
  stream->next_in = data;
  size_t left = count, total = 0, chunk = 0;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    if (stream->avail_in == 0) {
      stream->avail_in = left > 1u << 30 ? 1u << 30 : (uInt)left;
      left -= stream->avail_in;
    }
    stream->next_out = waste;
    stream->avail_out = sizeof waste;
    status = deflate(stream, left ? Z_NO_FLUSH : Z_FINISH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return 0;
    total += sizeof waste - stream->avail_out;
    chunk = (total + sizeof waste - 1) / sizeof waste;
    if (total + overhead * chunk > most) return 0;
  }
  return total + overhead * chunk;
}

/// About how many bits `data` compresses to: the entropy of its bytes, but for those that go on a run, and
/// the table of those that occur.
static double promised(const uint8_t *data, size_t count) {
  size_t seen[256] = {0}, all = 0;
  for (size_t i = 0; i < count; i++) {
    const uint8_t x = data[i];
    if (i >= 3 && x == data[i - 1] && x == data[i - 2] && x == data[i - 3]) continue;
    seen[x]++;
    all++;
  }
  double bits = 0;
  for (int x = 0; x < 256; x++) {
    if (seen[x]) bits += 3 - (double)seen[x] * log2f((float)seen[x] / (float)all);
  }
  return bits;
}

/// Level 9, with the window that libpng takes for so many bytes. For few of them a small hash table finds
/// the same matches (level 9 follows chains of a thousand, whatever shares them), and need not be cleared
/// six times at its full size.
static int begin(z_stream *stream, size_t count, int strategy) {
  memset(stream, 0, sizeof *stream);
  int bits = 15;
  while (bits > 9 && count + 262 <= (size_t)1 << (bits - 1)) bits--;
  const int memory = count < 1000 ? 5 : 8;
  return deflateInit2(stream, 9, Z_DEFLATED, bits, memory, strategy);
}

size_t codec_png_least_length(
    const uint8_t *pixels, const codec_header *header, double within) {
  const size_t row = (size_t)header->width * header->channels, height = header->height;
  const size_t step = header->channels, count = (row + 1) * height;
  // The data under each filter, under the best of each row, and two rows behind their zeros.
  uint8_t *data = malloc((FILTERS + 1) * count + 2 * (step + row));
  if (!data) return 0;
  uint8_t *rows[2] = {data + (FILTERS + 1) * count + step, data + (FILTERS + 1) * count + 2 * step + row};
  for (int i = 0; i < 2; i++) memset(rows[i] - step, 0, step + row);
  // Along a side of one pixel libpng does not filter. The last is for the best of each row.
  const int wide = header->width > 1, high = height > 1;
  const int usable[FILTERS + 1] = {1, wide, high, wide && high, wide && high, wide || high};
  for (size_t y = 0; y < height; y++) {
    uint8_t *const this = rows[y & 1], *const to = data + y * (row + 1);
    memcpy(this, pixels + y * row, row);
    const int best = filter_row(this, rows[~y & 1], (int)row, (int)step, to, count, usable);
    memcpy(to + FILTERS * count, to + (size_t)best * count, row + 1);
  }

  // The strategies in the order of what they promise: the least is among the first three but for
  // about a hundredth of a per cent of its length.
  double promise[FILTERS + 1];
  int order[FILTERS + 1], strategies = 0;
  for (int filter = 0; filter <= FILTERS; filter++) {
    if (!usable[filter]) continue;
    promise[filter] = promised(data + (size_t)filter * count, count);
    int place = strategies++;
    for (; place > 0 && promise[filter] < promise[order[place - 1]]; place--) {
      order[place] = order[place - 1];
    }
    order[place] = filter;
  }
  size_t least = 0;
  for (int kind = 0; kind < 2; kind++) {
    z_stream stream;
    int begun = 0;
    for (int place = 0; place < strategies && place < 3; place++) {
      if ((order[place] > 0) != kind) continue;
      if (place > 1 && promise[order[place]] > within * promise[order[0]]) continue;
      if (!begun && begin(&stream, count, kind ? Z_FILTERED : Z_DEFAULT_STRATEGY) != Z_OK) {
        free(data);
        return 0;
      }
      begun = 1;
      const size_t most = least ? least : SIZE_MAX;
      const size_t length = compressed(&stream, data + (size_t)order[place] * count, count, most);
      if (length && length < most) least = length;
    }
    if (begun) deflateEnd(&stream);
  }
  free(data);
  // Signature, header and end.
  return least ? 8 + 25 + least + 12 : 0;
}
