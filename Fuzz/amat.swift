// Any bytes are either lines of numbers, or are refused in one line.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  refusedInOneLine { _ = try Amat.images(bytes, path: "fuzz", size: nil) }
  return 0
}
