#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum {
  GUNZIP_DONE = 0,
  GUNZIP_FULL,       // the output holds `capacity` bytes and there is more
  GUNZIP_TRUNCATED,  // the input ends inside a member
  GUNZIP_DAMAGED,    // not gzip, a broken code, or a checksum or length that differs
  GUNZIP_NO_MEMORY,
} gunzip_status;

/// Inflates every member of a gzip file (RFC 1952) into `output`, checking each member's CRC-32
/// and length. `written` is how many bytes of `output` hold data, whatever the status.
gunzip_status gunzip(const uint8_t *input, size_t count, uint8_t *output, size_t capacity,
                     size_t *written);
