/// A number a pixel, `[height, width]`, row by row from the top left.
public struct PixelMap: Equatable, Sendable {
  public let width: Int
  public let height: Int
  public var values: [Float]

  public init(height: Int, width: Int, values: [Float]) {
    precondition(
      values.count == width * height,
      "[\(height), \(width)] needs \(width * height) values, found \(values.count)")
    self.width = width
    self.height = height
    self.values = values
  }

  /// A value and where it stands.
  public struct Place: Equatable, Sendable {
    public var value: Float
    public var x: Int
    public var y: Int
  }

  /// The largest value, of equals the first.
  public var maximum: Place {
    var place = Place(value: -.infinity, x: 0, y: 0)
    for y in 0..<height {
      for x in 0..<width where values[y * width + x] > place.value {
        place = Place(value: values[y * width + x], x: x, y: y)
      }
    }
    return place
  }

  /// The same without its outermost pixels: fewer than asked for where nothing else were left.
  public func inner(border: Int) -> (map: PixelMap, left: Int, top: Int) {
    let left = max(0, min(border, (width - 1) / 2))
    let top = max(0, min(border, (height - 1) / 2))
    let (w, h) = (width - 2 * left, height - 2 * top)
    var inner: [Float] = []
    inner.reserveCapacity(w * h)
    for y in top..<top + h { inner += values[y * width + left..<y * width + left + w] }
    return (PixelMap(height: h, width: w, values: inner), left, top)
  }

  /// Means of boxes of `side`² pixels that lie inside the map, `[height − side + 1, width − side + 1]`;
  /// where a side of the map is shorter than the box, of boxes as long as it.
  public func boxMeans(_ side: Int) -> PixelMap {
    let (bw, bh) = (min(side, width), min(side, height))
    let (w, h) = (width - bw + 1, height - bh + 1)
    // Sums of columns, moved down a row at a time in double precision: what is taken off is what was put
    // on, so nothing drifts by more than rounding.
    var columns = [Double](repeating: 0, count: width)
    var means: [Float] = []
    means.reserveCapacity(w * h)
    let scale = 1 / Double(bw * bh)
    values.withUnsafeBufferPointer { values in
      for y in 0..<height {
        for x in 0..<width { columns[x] += Double(values[y * width + x]) }
        if y >= bh { for x in 0..<width { columns[x] -= Double(values[(y - bh) * width + x]) } }
        guard y >= bh - 1 else { continue }
        var sum = 0.0
        for x in 0..<width {
          sum += columns[x]
          if x >= bw { sum -= columns[x - bw] }
          if x >= bw - 1 { means.append(Float(sum * scale)) }
        }
      }
    }
    return PixelMap(height: h, width: w, values: means)
  }

  /// The largest value within `reach` pixels up, down and to either side.
  public func maxima(reach: Int) -> PixelMap {
    let rows = slidingMaxima(of: values, lines: height, length: width, reach)
    let turned = Self.transposed(rows, width: width, height: height)
    let both = slidingMaxima(of: turned, lines: width, length: height, reach)
    return PixelMap(
      height: height, width: width, values: Self.transposed(both, width: height, height: width))
  }

  private func slidingMaxima(of values: [Float], lines: Int, length: Int, _ reach: Int) -> [Float] {
    var result = values
    for line in 0..<lines {
      let start = line * length
      // Indices of falling values within the window.
      var queue: [Int] = []
      var head = 0
      var next = 0
      for i in 0..<length {
        while next < min(length, i + reach + 1) {
          while queue.count > head, values[start + queue[queue.count - 1]] <= values[start + next] {
            queue.removeLast()
          }
          queue.append(next)
          next += 1
        }
        if queue[head] < i - reach { head += 1 }
        result[start + i] = values[start + queue[head]]
      }
    }
    return result
  }

  private static func transposed(_ values: [Float], width: Int, height: Int) -> [Float] {
    var result = values
    for y in 0..<height { for x in 0..<width { result[x * height + y] = values[y * width + x] } }
    return result
  }

  /// The map laid into a larger one, its own edge repeated outside.
  public func placed(in width: Int, _ height: Int, left: Int, top: Int) -> PixelMap {
    var result: [Float] = []
    result.reserveCapacity(width * height)
    for y in 0..<height {
      let row = min(max(y - top, 0), self.height - 1) * self.width
      for x in 0..<width { result.append(values[row + min(max(x - left, 0), self.width - 1)]) }
    }
    return PixelMap(height: height, width: width, values: result)
  }

  /// The map at another size: each pixel takes the value at the same place.
  public func enlarged(width newWidth: Int, height newHeight: Int) -> PixelMap {
    let columns = (0..<newWidth).map { min($0 * width / newWidth, width - 1) }
    var result: [Float] = []
    result.reserveCapacity(newWidth * newHeight)
    for y in 0..<newHeight {
      let row = min(y * height / newHeight, height - 1) * width
      for x in columns { result.append(values[row + x]) }
    }
    return PixelMap(height: newHeight, width: newWidth, values: result)
  }
}
