import Files

/// Opens any bytes as a safetensors file, with the sources of RunFiles in the same module: either an
/// error of one line, or a file whose every tensor can be read, and which is the same once written
/// and read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  do {
    let file = try open(input)
    for tensor in file.tensors {
      var bytes = [UInt8](repeating: 0, count: tensor.shape.reduce(tensor.type.size, *))
      try bytes.withUnsafeMutableBytes {
        try file.read(tensor.name, type: tensor.type, shape: tensor.shape, into: $0)
      }
    }
    let header = TensorHeader(tensors: file.tensors, metadata: file.metadata)
    let dataCount = header.ranges.reduce(0) { $0 + $1.count }
    let again = try TensorHeader(json: header.encoded(), dataCount: dataCount, path: "again")
    precondition(again.tensors == file.tensors && again.metadata == file.metadata)
  } catch {
    precondition(!"\(error as! FileError)".contains { $0.isNewline })
  }
  return 0
}

private func open(_ input: [UInt8]) throws -> TensorFile {
  try TensorFile(path: "input", size: input.count) { offset, buffer in
    precondition(offset + buffer.count <= input.count, "a read past the end of the file")
    buffer.copyBytes(from: input[offset..<offset + buffer.count])
  }
}
