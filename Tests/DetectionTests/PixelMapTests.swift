import Detection
import Randomness
import Testing

@Suite struct PixelMapTests {
  private func random(_ width: Int, _ height: Int) -> PixelMap {
    var random = RandomStream(seed: 1, "map", width * height)
    return PixelMap(
      height: height, width: width,
      values: (0..<width * height).map { _ in Float(random.uniform()) })
  }

  @Test("means of boxes are the means of their pixels", arguments: [(13, 11), (9, 9), (4, 20)])
  func boxMeans(_ width: Int, _ height: Int) {
    let map = random(width, height)
    let means = map.boxMeans(9)
    let (bw, bh) = (min(9, width), min(9, height))
    #expect(means.width == width - bw + 1 && means.height == height - bh + 1)
    for y in 0..<means.height {
      for x in 0..<means.width {
        var sum: Float = 0
        for v in 0..<bh { for u in 0..<bw { sum += map.values[(y + v) * width + x + u] } }
        #expect(abs(means.values[y * means.width + x] - sum / Float(bw * bh)) < 1e-5)
      }
    }
  }

  @Test("the largest within a reach is the largest of its square")
  func maxima() {
    let map = random(17, 12)
    let maxima = map.maxima(reach: 3)
    for y in 0..<12 {
      for x in 0..<17 {
        let rows = max(0, y - 3)...min(11, y + 3)
        let all = rows.flatMap { row in
          (max(0, x - 3)...min(16, x + 3)).map { map.values[row * 17 + $0] }
        }
        #expect(maxima.values[y * 17 + x] == all.max())
      }
    }
  }

  @Test("outlined defects are found by their pixels and missed elsewhere")
  func accuracy() {
    var values = [Float](repeating: 0.1, count: 100)
    for y in 2...3 { for x in 4...6 { values[y * 10 + x] = 2 } }
    let map = PixelMap(height: 10, width: 10, values: values)
    func accuracy(_ x: ClosedRange<Int>, peak: (Int, Int)) -> MapAccuracy {
      var accuracy = MapAccuracy()
      accuracy.add(
        map, peak: (x: peak.0, y: peak.1), flagged: true, boxes: [.init(x: x, y: 2...3)])
      return accuracy
    }
    let right = accuracy(4...6, peak: (5, 3))
    #expect(right.pixelAUROC == 1 && right.hits == 1 && right.flaggedHits == 1)
    // A box that reaches beyond the image has the pixels that there are.
    let wrong = accuracy(8...30, peak: (5, 3))
    #expect(wrong.pixelAUROC! < 0.5 && wrong.hits == 0 && wrong.images == 1)
  }
}
