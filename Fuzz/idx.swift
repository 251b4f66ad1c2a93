// Any bytes are either IDX images or labels, or are refused in one line.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  refusedInOneLine { _ = try IDX.images(bytes, path: "fuzz") }
  refusedInOneLine { _ = try IDX.labels(bytes, path: "fuzz") }
  return 0
}
