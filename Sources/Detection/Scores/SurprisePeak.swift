extension Score {
  /// The largest mean surprise of 3×3 pixels, bits a pixel: a scratch that drowns in the sum of all.
  static let surprisePeak = Score(
    "surprise_peak", "largest mean surprise of 3x3 pixels", inVerdict: .high
  ) { evidence, _ in
    let map = evidence.surpriseMap
    let (height, width) = (min(3, map.height), min(3, map.width))
    // Sums of columns first: each is in up to three boxes.
    var peak = -Double.infinity
    var columns = [Double](repeating: 0, count: map.width)
    for y in 0...map.height - height {
      for x in 0..<map.width {
        columns[x] = (y..<y + height).reduce(0) { $0 + Double(map.bits[$1 * map.width + x]) }
      }
      for x in 0...map.width - width {
        peak = max(peak, columns[x..<x + width].reduce(0, +))
      }
    }
    return peak / Double(height * width)
  }
}
