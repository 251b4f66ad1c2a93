// EXIF is a TIFF header and a directory of 12-byte entries, in either byte order (CIPA DC-008,
// 4.6.2). Of it, only the orientation matters to how a picture looks.

#include <stdbool.h>

#include "image_codecs.h"

enum { tag_orientation = 0x0112, type_short = 3, entry_size = 12 };

int codec_exif_orientation(const uint8_t *bytes, size_t count) {
  if (count < 8) return 1;
  const bool little = bytes[0] == 'I' && bytes[1] == 'I';
  if (!little && !(bytes[0] == 'M' && bytes[1] == 'M')) return 1;

#define U16(at) ((uint32_t)(bytes[(at) + (little ? 1 : 0)] << 8 | bytes[(at) + (little ? 0 : 1)]))
#define U32(at) (little ? U16((at) + 2) << 16 | U16(at) : U16(at) << 16 | U16((at) + 2))

  if (U16(2) != 42) return 1;
  const size_t directory = U32(4);
  if (directory > count - 2) return 1;
  const size_t entries = U16(directory);
  for (size_t i = 0; i < entries; i++) {
    const size_t entry = directory + 2 + i * entry_size;
    if (entry + entry_size > count) return 1;
    if (U16(entry) != tag_orientation) continue;
    const uint32_t value = U16(entry + 8);
    const bool sound = U16(entry + 2) == type_short && U32(entry + 4) == 1 && value >= 1 && value <= 8;
    return sound ? (int)value : 1;
  }
  return 1;
}
