// Any bytes are either an npy array of images, or are refused in one line.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  refusedInOneLine { _ = try NumPyArray.images(bytes, path: "fuzz") }
  return 0
}
