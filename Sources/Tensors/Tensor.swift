/// The format in which a tensor keeps its elements.
public enum Precision: String, Codable, Sendable, CaseIterable {
  /// For the reference backend and gradient checks.
  case float64
  /// Parameters, sums, log-probabilities; activations by default.
  case float32
  /// Activations where the processor multiplies bfloat16.
  case bfloat16

  /// Bytes an element.
  public var byteCount: Int {
    switch self {
    case .float64: 8
    case .float32: 4
    case .bfloat16: 2
    }
  }
}

/// Numbers in memory, row-major, aligned to a cache line.
///
/// A tensor is a handle: copies share the memory. Operations write to fresh tensors, so sharing is
/// visible only where a kernel says that it works in place.
public struct Tensor: @unchecked Sendable {
  public let shape: Shape
  public let precision: Precision
  private let buffer: Buffer
  /// Where the first element stands in the buffer, bytes.
  private let offset: Int

  /// A tensor whose elements are not yet set.
  public init(_ shape: Shape, _ precision: Precision) {
    self.shape = shape
    self.precision = precision
    self.buffer = Buffer(byteCount: max(1, shape.count) * precision.byteCount)
    self.offset = 0
  }

  private init(_ shape: Shape, _ precision: Precision, sharing buffer: Buffer, offset: Int) {
    self.shape = shape
    self.precision = precision
    self.buffer = buffer
    self.offset = offset
  }

  /// A tensor of the given values, rounded to `precision`.
  public init(_ shape: Shape, _ precision: Precision = .float32, values: [Double]) {
    precondition(
      values.count == shape.count, "\(shape) needs \(shape.count) values, found \(values.count)")
    self.init(shape, precision)
    write(values)
  }

  public static func zeros(_ shape: Shape, _ precision: Precision = .float32) -> Tensor {
    let tensor = Tensor(shape, precision)
    tensor.clear()
    return tensor
  }

  public var count: Int { shape.count }
  public var byteCount: Int { count * precision.byteCount }

  /// The first element, for kernels. It does not keep the tensor alive: hold on to that for as long.
  package var pointer: UnsafeMutableRawPointer { buffer.pointer + offset }

  /// The elements of a float32 tensor in place, for kernels. They do not keep the tensor alive.
  package var floats: UnsafeMutableBufferPointer<Float> {
    precondition(precision == .float32, "expected float32, found \(precision)")
    return UnsafeMutableBufferPointer(
      start: pointer.assumingMemoryBound(to: Float.self), count: count)
  }

  /// Lends the elements' bytes, row-major, for the length of the call. A device would copy them here.
  public func withBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(buffer) {
      try body(UnsafeRawBufferPointer(start: pointer, count: byteCount))
    }
  }

  /// Lends them to be overwritten. A device would copy them back.
  public func withMutableBytes<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(buffer) {
      try body(UnsafeMutableRawBufferPointer(start: pointer, count: byteCount))
    }
  }

  /// The same memory under another shape of as many elements.
  public func reshaped(_ shape: Shape) -> Tensor {
    precondition(shape.count == count, "\(self.shape) cannot be seen as \(shape)")
    return Tensor(shape, precision, sharing: buffer, offset: offset)
  }

  /// The elements from one on, in the same memory.
  public func dropFirst(_ elements: Int) -> Tensor {
    precondition((0...count).contains(elements), "\(shape) has no element \(elements)")
    return Tensor(
      [count - elements], precision, sharing: buffer,
      offset: offset + elements * precision.byteCount)
  }

  /// The rows `range` of the outermost axis, in the same memory.
  public func rows(_ range: Range<Int>) -> Tensor {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[0], "\(shape) has no rows \(range)")
    let rowBytes = shape.withOutermost(1).count * precision.byteCount
    return Tensor(
      shape.withOutermost(range.count), precision, sharing: buffer,
      offset: offset + range.lowerBound * rowBytes)
  }

  /// Sets every element to zero.
  public func clear() {
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }

  /// Copies the elements of a tensor of the same shape and precision.
  public func copy(from other: Tensor) {
    precondition(
      other.shape == shape && other.precision == precision,
      "cannot copy \(other.shape) \(other.precision) to \(shape) \(precision)")
    pointer.copyMemory(from: other.pointer, byteCount: byteCount)
  }

  /// All elements, widened to double.
  public var values: [Double] {
    switch precision {
    case .float64: Array(elements(Double.self))
    case .float32: elements(Float.self).map(Double.init)
    case .bfloat16:
      elements(UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
    }
  }

  /// The sum of each run of so many elements, in their order and in double precision.
  public func sums(ofEach count: Int) -> [Double] {
    precondition(
      count > 0 && self.count % count == 0,
      "\(self.count) elements are not in runs of \(count)")
    return switch precision {
    case .float64: Self.sums(elements(Double.self), count) { $0 }
    case .float32: Self.sums(elements(Float.self), count, Double.init)
    case .bfloat16:
      Self.sums(elements(UInt16.self), count) { Double(Float(bitPattern: UInt32($0) << 16)) }
    }
  }

  /// Eight runs side by side: each addition of one waits for the one before.
  private static func sums<Element>(
    _ elements: UnsafeMutableBufferPointer<Element>, _ count: Int,
    _ widened: (Element) -> Double
  ) -> [Double] {
    let runs = elements.count / count
    var result: [Double] = []
    result.reserveCapacity(runs)
    func element(_ run: Int, _ index: Int) -> Double { widened(elements[run * count + index]) }
    for run in stride(from: 0, to: runs - 7, by: 8) {
      var sums = SIMD8<Double>()
      for index in 0..<count {
        sums += SIMD8(
          element(run, index), element(run + 1, index), element(run + 2, index),
          element(run + 3, index), element(run + 4, index), element(run + 5, index),
          element(run + 6, index), element(run + 7, index))
      }
      for place in 0..<8 { result.append(sums[place]) }
    }
    for run in result.count..<runs {
      result.append((0..<count).reduce(0) { $0 + element(run, $1) })
    }
    return result
  }

  /// How many elements are not zero.
  public var nonZeroCount: Int {
    switch precision {
    case .float64: elements(Double.self).reduce(0) { $0 + ($1 != 0 ? 1 : 0) }
    case .float32: elements(Float.self).reduce(0) { $0 + ($1 != 0 ? 1 : 0) }
    case .bfloat16: elements(UInt16.self).reduce(0) { $0 + ($1 & 0x7fff != 0 ? 1 : 0) }
    }
  }

  /// One element, widened to double.
  public func element(_ index: Int) -> Double {
    precondition(index >= 0 && index < count, "\(shape) has no element \(index)")
    switch precision {
    case .float64: return elements(Double.self)[index]
    case .float32: return Double(elements(Float.self)[index])
    case .bfloat16:
      return Double(Float(bitPattern: UInt32(elements(UInt16.self)[index]) << 16))
    }
  }

  /// Sets one element, rounding to nearest even.
  public func set(_ index: Int, to value: Double) {
    precondition(index >= 0 && index < count, "\(shape) has no element \(index)")
    switch precision {
    case .float64: elements(Double.self)[index] = value
    case .float32: elements(Float.self)[index] = Float(value)
    case .bfloat16: elements(UInt16.self)[index] = bfloat16Bits(Float(value))
    }
  }

  /// A copy of a matrix with its rows and columns in another order; nil keeps them.
  public func permuted(rows: [Int]?, columns: [Int]?) -> Tensor {
    precondition(shape.rank == 2, "only a matrix has rows and columns, found \(shape)")
    let result = Tensor(shape, precision)
    for row in 0..<shape[0] {
      let source = rows?[row] ?? row
      for column in 0..<shape[1] {
        result.set(
          row * shape[1] + column, to: element(source * shape[1] + (columns?[column] ?? column)))
      }
    }
    return result
  }

  /// What each image has at one step: `[N, D, …]` → `[N, …]`.
  public func step(_ place: Int) -> Tensor {
    let rest =
      shape.rank == 2 ? Shape(shape[0]) : Shape(shape[0], shape.count / shape[0] / shape[1])
    guard shape[1] > 1 else { return reshaped(rest) }
    return reshaped(rest.withOutermost(shape[0] * shape[1]))
      .copy(ofRows: (0..<shape[0]).map { $0 * shape[1] + place })
  }

  /// A copy of the first channels of `[N, H, W, C]`.
  func leadingChannels(_ count: Int) -> Tensor {
    let channels = shape[3]
    let result = Tensor([shape[0], shape[1], shape[2], count], precision)
    for pixel in 0..<shape.count / channels {
      (result.pointer + pixel * count * precision.byteCount).copyMemory(
        from: pointer + pixel * channels * precision.byteCount,
        byteCount: count * precision.byteCount)
    }
    return result
  }

  /// Copies a matrix into the columns from `first` on.
  public func setColumns(from first: Int, to block: Tensor) {
    precondition(
      shape.rank == 2 && block.shape.rank == 2 && block.shape[0] == shape[0]
        && first + block.shape[1] <= shape[1] && block.precision == precision,
      "\(block.shape) does not fit in \(shape) from column \(first)")
    for row in 0..<shape[0] {
      (pointer + (row * shape[1] + first) * precision.byteCount).copyMemory(
        from: block.pointer + row * block.shape[1] * precision.byteCount,
        byteCount: block.shape[1] * precision.byteCount)
    }
  }

  /// Sets all elements, rounding to nearest even.
  public func write(_ values: [Double]) {
    precondition(values.count == count, "\(shape) needs \(count) values, found \(values.count)")
    switch precision {
    case .float64:
      for (i, value) in values.enumerated() { elements(Double.self)[i] = value }
    case .float32:
      let elements = elements(Float.self)
      for (i, value) in values.enumerated() { elements[i] = Float(value) }
    case .bfloat16:
      let elements = elements(UInt16.self)
      for (i, value) in values.enumerated() { elements[i] = bfloat16Bits(Float(value)) }
    }
  }

  private func elements<Element>(_: Element.Type) -> UnsafeMutableBufferPointer<Element> {
    UnsafeMutableBufferPointer(
      start: pointer.assumingMemoryBound(to: Element.self), count: count)
  }
}

/// The upper half of a float32, rounded to nearest even; NaN stays NaN.
private func bfloat16Bits(_ value: Float) -> UInt16 {
  guard !value.isNaN else { return 0x7fc0 }
  let bits = value.bitPattern
  return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ ((bits >> 16) & 1)) >> 16)
}

/// Holds on to some tensors up to here, while kernels read their memory. A tuple of them would count each one
/// up and down.
@inline(__always)
package func keepAlive<each Value>(_ values: repeat each Value) {
  repeat extendLifetime(each values)
}
