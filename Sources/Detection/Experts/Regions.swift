/// A part of an image where its map is above a threshold: pixels of the image itself.
public struct Region: Codable, Equatable, Sendable {
  /// The least box around it: its left and top pixel, its width and height.
  public var x: Int
  public var y: Int
  public var width: Int
  public var height: Int
  /// Pixels above the threshold.
  public var area: Int
  /// The largest value in it, bits a pixel.
  public var peak: Double
  /// Where that stands.
  public var peakX: Int
  public var peakY: Int
  /// The share of normal images that have a place so high, 0 < p ≤ 1; nil where there are none to compare
  /// with.
  public var pValue: Double?

  public init(
    x: Int, y: Int, width: Int, height: Int, area: Int, peak: Double, peakX: Int, peakY: Int,
    pValue: Double? = nil
  ) {
    (self.x, self.y, self.width, self.height) = (x, y, width, height)
    (self.area, self.peak, self.peakX, self.peakY) = (area, peak, peakX, peakY)
    self.pValue = pValue
  }

  /// The parts of a map above a threshold that hang together by sides or corners, the highest first.
  /// - Parameter peaks: a map of the same size by which the highest place of a part is told.
  static func all(of map: PixelMap, above threshold: Float, peaks: PixelMap) -> [Region] {
    var seen = [Bool](repeating: false, count: map.values.count)
    var regions: [Region] = []
    for start in map.values.indices where !seen[start] && map.values[start] > threshold {
      regions.append(grow(from: start, map, threshold, peaks, &seen))
    }
    return regions.sorted { ($1.peak, $0.y, $0.x) < ($0.peak, $1.y, $1.x) }
  }

  /// The boxes whose means are above a threshold, as far as they hang together.
  /// - Parameters:
  ///   - means: of the boxes, each at its box's middle; the first lies at (left, top) of the image.
  ///   - side: of a box, pixels.
  static func ofBoxes(
    _ means: PixelMap, side: Int, left: Int, top: Int, above threshold: Double
  ) -> [Region] {
    let (x, y) = (min(side / 2, left), min(side / 2, top))
    let (width, height) = (means.width + 2 * x, means.height + 2 * y)
    var values = [Float](repeating: -.infinity, count: width * height)
    for row in 0..<means.height {
      for column in 0..<means.width {
        values[(row + y) * width + column + x] = means.values[row * means.width + column]
      }
    }
    let peaks = PixelMap(height: height, width: width, values: values)
    return all(of: peaks.maxima(reach: side / 2), above: Float(threshold), peaks: peaks).map {
      region in
      var moved = region
      moved.x += left - x
      moved.y += top - y
      moved.peakX += left - x
      moved.peakY += top - y
      return moved
    }
  }

  private static func grow(
    from start: Int, _ map: PixelMap, _ threshold: Float, _ peaks: PixelMap,
    _ seen: inout [Bool]
  ) -> Region {
    var (left, right, top, bottom) = (Int.max, 0, Int.max, 0)
    var (area, peak, peakAt) = (0, -Float.infinity, start)
    var waiting = [start]
    seen[start] = true
    while let pixel = waiting.popLast() {
      let (y, x) = pixel.quotientAndRemainder(dividingBy: map.width)
      (left, right, top, bottom) = (min(left, x), max(right, x), min(top, y), max(bottom, y))
      area += 1
      let value = peaks.values[pixel]
      if value > peak || value == peak && pixel < peakAt { (peak, peakAt) = (value, pixel) }
      for row in max(0, y - 1)...min(map.height - 1, y + 1) {
        for column in max(0, x - 1)...min(map.width - 1, x + 1) {
          let next = row * map.width + column
          guard !seen[next], map.values[next] > threshold else { continue }
          seen[next] = true
          waiting.append(next)
        }
      }
    }
    return Region(
      x: left, y: top, width: right - left + 1, height: bottom - top + 1, area: area,
      peak: Double(peak), peakX: peakAt % map.width, peakY: peakAt / map.width)
  }

  /// The same in an image so much larger.
  func enlarged(from small: (width: Int, height: Int), to large: (width: Int, height: Int))
    -> Region
  {
    let (w, h) = (
      Double(large.width) / Double(small.width), Double(large.height) / Double(small.height)
    )
    let (left, top) = (Int((Double(x) * w).rounded()), Int((Double(y) * h).rounded()))
    var region = self
    (region.x, region.y) = (left, top)
    region.width = max(1, Int((Double(x + width) * w).rounded()) - left)
    region.height = max(1, Int((Double(y + height) * h).rounded()) - top)
    region.area = max(1, Int((Double(area) * w * h).rounded()))
    region.peakX = min(large.width - 1, Int((Double(peakX) + 0.5) * w))
    region.peakY = min(large.height - 1, Int((Double(peakY) + 0.5) * h))
    return region
  }
}
