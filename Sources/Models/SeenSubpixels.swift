import Images
import Tensors

/// The sub-pixels that a sequential computation has been told so far, as intensities 0…1; the rest
/// are zero, which is what masked weights make of them.
struct SeenSubpixels {
  /// `[N, D]`.
  let x: Tensor
  let count: Int
  private let levels: Int
  private(set) var position = 0

  init(count: Int, dimension: Int, levels: Int, _ context: Context) {
    self.count = count
    self.levels = levels
    x = .zeros([count, dimension], context.wide)
  }

  /// The latest sub-pixels, one an image, 0…1.
  private(set) var latest: [Double] = []

  mutating func append(_ symbols: [UInt8]) {
    precondition(symbols.count == count, "expected \(count) symbols, found \(symbols.count)")
    latest = symbols.map { Double($0) / Double(levels - 1) }
    for (n, value) in latest.enumerated() { x.set(n * x.shape[1] + position, to: value) }
    position += 1
  }
}

extension Context {
  /// A batch as intensities 0…1: `[N, D]`, in the wide precision.
  func unitIntensities(_ batch: PixelBatch) -> Variable {
    intensities(
      batch.symbols, shape: [batch.count, batch.dimension], scale: 1 / Double(batch.levels - 1),
      offset: 0, precision: wide)
  }
}

extension Tensor {
  /// A mask whose row r has ones in its first `lengths[r]` columns.
  static func prefixMask(_ lengths: [Int], columns: Int, _ precision: Precision) -> Tensor {
    let mask = Tensor.zeros([lengths.count, columns], precision)
    for (row, length) in lengths.enumerated() {
      for column in 0..<length { mask.set(row * columns + column, to: 1) }
    }
    return mask
  }
}
