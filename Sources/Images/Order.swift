/// In which order the pixels of an image are told: rows or columns, from one of the corners. There are
/// eight, one for each symmetry of the square; the channels of a pixel always follow each other.
///
/// A batch in another order is the batch, in raster order, of the images turned or mirrored: a model
/// needs to know no more. Orders by columns swap height and width.
public struct Order: Codable, Hashable, Sendable {
  /// Column after column, instead of row after row.
  public let byColumns: Bool
  public let fromBottom: Bool
  public let fromRight: Bool

  public init(byColumns: Bool = false, fromBottom: Bool = false, fromRight: Bool = false) {
    self.byColumns = byColumns
    self.fromBottom = fromBottom
    self.fromRight = fromRight
  }

  /// Row after row from the top left.
  public static let raster = Order()

  /// Where the pixels stand in an image in raster order, in this order.
  public func pixels(height: Int, width: Int) -> [Int] {
    func place(_ row: Int, _ column: Int) -> Int {
      (fromBottom ? height - 1 - row : row) * width + (fromRight ? width - 1 - column : column)
    }
    return byColumns
      ? (0..<width).flatMap { column in (0..<height).map { place($0, column) } }
      : (0..<height).flatMap { row in (0..<width).map { place(row, $0) } }
  }
}

extension Order: CaseIterable, CustomStringConvertible {
  /// The raster order first, and those by rows before those by columns.
  public static let allCases = (0..<8).map {
    Order(byColumns: $0 & 4 != 0, fromBottom: $0 & 2 != 0, fromRight: $0 & 1 != 0)
  }

  public var description: String {
    (byColumns ? "columns" : "rows") + " from the " + (fromBottom ? "bottom" : "top")
      + (fromRight ? " right" : " left")
  }
}

extension PixelBatch {
  /// The same images with their pixels in another order; exact, so `.raster` gives back what was.
  public func reordered(as order: Order) -> PixelBatch {
    guard order != self.order else { return self }
    // As in raster order.
    let (rows, columns) = self.order.byColumns ? (width, height) : (height, width)
    let from = self.order.pixels(height: rows, width: columns)
    let to = order.pixels(height: rows, width: columns)
    var places = [Int](repeating: 0, count: from.count)
    for (place, pixel) in from.enumerated() { places[pixel] = place }
    var result: [UInt8] = []
    result.reserveCapacity(symbols.count)
    for image in 0..<count {
      for pixel in to {
        let first = image * dimension + places[pixel] * channels
        result += symbols[first..<first + channels]
      }
    }
    return PixelBatch(
      count: count, height: order.byColumns ? columns : rows,
      width: order.byColumns ? rows : columns, channels: channels, levels: levels,
      symbols: result, labels: labels, order: order)
  }
}
