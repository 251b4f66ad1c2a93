#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum {
  GUNZIP_DONE = 0,
  GUNZIP_FULL,       // the output holds `capacity` bytes and there is more
  GUNZIP_TRUNCATED,  // the input ends inside a member
  GUNZIP_DAMAGED,    // not gzip, a broken code, or a checksum or length that differs
  GUNZIP_NO_MEMORY,
  GUNZIP_BOMB,       // 16 MiB on end came of less than their `most_of_one`th part
} gunzip_status;

/// Inflates every member of a gzip file (RFC 1952) into `output`, checking each member's CRC-32
/// and length. `written` is how many bytes of `output` hold data, whatever the status.
///
/// `most_of_one` is how many bytes may come of one, or 0 for as many as will: deflate's most is 1032.
/// It is for output whose length nobody knows beforehand.
gunzip_status gunzip(const uint8_t *input, size_t count, uint8_t *output, size_t capacity,
                     size_t most_of_one, size_t *written);
