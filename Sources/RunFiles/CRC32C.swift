/// The Castagnoli checksum (polynomial 0x1EDC6F41, reflected): CRC-32C of RFC 3720, appendix B.4.
func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
  ~bytes.reduce(~0) { crc, byte in
    table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8)
  }
}

/// What each byte does to the remainder.
private let table: [UInt32] = (0..<256).map { byte in
  (0..<8).reduce(UInt32(byte)) { crc, _ in
    crc & 1 == 1 ? (crc >> 1) ^ 0x82f6_3b78 : crc >> 1
  }
}
