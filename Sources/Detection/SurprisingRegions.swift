import Images

extension Calibration {
  /// Where an image surprises more over 3×3 pixels than 99 in 100 normal ones do anywhere; where a flagged
  /// one does so nowhere, more than 95 do. Pixels of the image as the model sees it; nil where the
  /// calibration knows no such peaks.
  public func regions(of evidence: Evidence, flagged: Bool) -> [Region]? {
    guard let normal = scores[Score.surprisePeak.name] else { return nil }
    let map = evidence.surpriseMap
    let side = min(3, map.width, map.height)
    // What the model holds impossible is farther out than all else, and still a number.
    let means = PixelMap(
      height: map.height, width: map.width, values: map.bits.map { min($0, 1e6) }
    ).boxMeans(side)
    let highest = Double(means.maximum.value)
    for share in flagged ? [0.99, 0.95] : [0.99] {
      let threshold = normal[Int((share * Double(normal.count)).rounded(.up)) - 1]
      guard highest > threshold else { continue }
      return Region.ofBoxes(means, side: side, left: side / 2, top: side / 2, above: threshold).map
      {
        region in
        var region = region
        let asHigh = normal.count - normal.partitioningIndex { $0 >= region.peak }
        region.pValue = Double(1 + asHigh) / Double(normal.count + 1)
        return region
      }
    }
    return []
  }
}
