/// The live part of a matrix whose rows have ones in their first columns, each row at least as many as
/// the one above: the masks of FVSBN, and of MADE with its units in order of degree.
///
/// Rows are taken in steps that share a number of columns, so that a product over the steps does
/// little more than the live half of the arithmetic.
public struct Staircase: Sendable, Equatable {
  public struct Step: Sendable, Equatable {
    public let rows: Range<Int>
    /// Leading columns that some row of the step needs, at least one.
    public let columns: Int
  }

  public let steps: [Step]
  /// Live columns of each row.
  public let lengths: [Int]
  /// Columns of each row's step.
  public let reaches: [Int]
  /// Columns of the matrix.
  public let width: Int

  /// Most steps: with twelve a twenty-fourth of the matrix is computed in vain.
  private static let mostSteps = 12
  /// Fewest rows of a step, so that its products stay efficient.
  private static let fewestRows = 128
  /// What sides of blocks are rounded to, where they can be.
  private static let grain = 32

  /// The staircase of a mask of zeros and ones, or nil where it is none.
  public init?(_ mask: Tensor) {
    guard mask.shape.rank == 2 else { return nil }
    let (rows, columns) = (mask.shape[0], mask.shape[1])
    var lengths: [Int] = []
    for row in 0..<rows {
      let live = mask.rows(row..<row + 1).nonZeroCount
      let leading = mask.dropFirst(row * columns).rows(0..<live)
      guard live >= lengths.last ?? 0, leading.nonZeroCount == live else { return nil }
      lengths.append(live)
    }
    func rounded(_ side: Int) -> Int { (side + Self.grain - 1) / Self.grain * Self.grain }
    let height = rounded(max(Self.fewestRows, (rows + Self.mostSteps - 1) / Self.mostSteps))
    self.lengths = lengths
    width = columns
    steps = stride(from: 0, to: rows, by: height).map { first in
      let end = min(rows, first + height)
      return Step(rows: first..<end, columns: min(columns, max(1, rounded(lengths[end - 1]))))
    }
    reaches = steps.flatMap { [Int](repeating: $0.columns, count: $0.rows.count) }
  }
}

/// A block of a matrix in place, one of a product's factors.
public struct MatrixBlock {
  public let matrix: Tensor
  public let rows: Range<Int>
  public let columns: Range<Int>

  /// - Parameters:
  ///   - rows: all where nil.
  ///   - columns: all where nil.
  public init(_ matrix: Tensor, rows: Range<Int>? = nil, columns: Range<Int>? = nil) {
    precondition(matrix.shape.rank == 2, "only a matrix has blocks, found \(matrix.shape)")
    self.matrix = matrix
    self.rows = rows ?? 0..<matrix.shape[0]
    self.columns = columns ?? 0..<matrix.shape[1]
  }

  /// Where the block's first element stands in the matrix.
  public var first: Int { rows.lowerBound * matrix.shape[1] + columns.lowerBound }

  /// The block's elements, row by row.
  var values: [Double] {
    rows.flatMap { row in columns.map { matrix.element(row * matrix.shape[1] + $0) } }
  }

  func write(_ values: [Double]) {
    for (i, value) in values.enumerated() {
      let (row, column) = (i / columns.count, i % columns.count)
      matrix.set(first + row * matrix.shape[1] + column, to: value)
    }
  }
}
