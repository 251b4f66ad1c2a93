// Any bytes either inflate into the room given or are refused, whatever room that is.

#include <stdlib.h>

#include "inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  const size_t capacity = count > 0 ? (size_t)bytes[count - 1] << 8 : 0;
  uint8_t *output = malloc(capacity + 1);
  size_t written = 0;
  gunzip(bytes, count, output, capacity, 500, &written);
  if (written > capacity) abort();
  free(output);
  return 0;
}
