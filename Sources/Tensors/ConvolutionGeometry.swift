/// Where a kernel of a causal convolution stands: the output at row y, column x sees the input rows
/// y − padding.top … y − padding.top + height − 1 and the columns alike, zero outside the image.
public struct ConvolutionGeometry: Sendable, Hashable {
  /// Kernel sides.
  public let height: Int
  public let width: Int
  /// Rows above and below, columns left and right that the kernel may overhang.
  public let top: Int
  public let bottom: Int
  public let left: Int
  public let right: Int
  /// Taps of the last row that are live. The weights of those after them are zero and a kernel may
  /// skip them: what it leaves as their gradient has no meaning.
  public let lastRow: Int

  /// - Parameter lastRow: all taps of the last row where nil.
  public init(
    height: Int, width: Int, top: Int, bottom: Int, left: Int, right: Int, lastRow: Int? = nil
  ) {
    precondition(
      top + bottom == height - 1 && left + right == width - 1,
      "the output of a causal convolution has the size of its input")
    precondition(
      (1...width).contains(lastRow ?? width), "a row of \(width) taps has no \(lastRow ?? width)")
    self.lastRow = lastRow ?? width
    self.height = height
    self.width = width
    self.top = top
    self.bottom = bottom
    self.left = left
    self.right = right
  }

  /// Traps where input `[N, H, W, I]`, weights `[O, I, kh, kw]`, bias `[O]` and output
  /// `[N, H, W, O]` do not fit together.
  public func requireFit(_ x: Shape, weights w: Shape, bias: Shape, _ y: Shape) {
    precondition(
      x.rank == 4 && y.rank == 4 && w == [y[3], x[3], height, width] && bias == [y[3]]
        && y == [x[0], x[1], x[2], y[3]],
      "cannot convolve \(x) with \(w) and bias \(bias) into \(y) by \(height)x\(width)")
  }

  /// One weight a channel pair and pixel.
  public static let pointwise = ConvolutionGeometry(
    height: 1, width: 1, top: 0, bottom: 0, left: 0, right: 0)
}
