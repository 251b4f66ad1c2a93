// Any bytes are either CIFAR records, or are refused in one line.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  refusedInOneLine { _ = try CIFARBinary.images(bytes, path: "fuzz") }
  return 0
}
