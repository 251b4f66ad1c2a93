import Foundation

extension Image {
  /// The image as a JPEG file of low quality would keep it: squares of 8×8 by the cosines that they are made
  /// of, each rounded as the standard's example for brightness does at quality 30 (ITU-T T.81, annex K.1).
  package var roughenedAsByJPEG: Image {
    var image = self
    for channel in 0..<channels {
      for top in stride(from: 0, to: height, by: 8) {
        for left in stride(from: 0, to: width, by: 8) { image.roughen(channel, top, left) }
      }
    }
    return image
  }

  private mutating func roughen(_ channel: Int, _ top: Int, _ left: Int) {
    func place(_ y: Int, _ x: Int) -> Int {
      // Beyond the edge its last pixels go on.
      (min(height - 1, top + y) * width + min(width - 1, left + x)) * channels + channel
    }
    var block = (0..<64).map { Double(pixels[place($0 / 8, $0 % 8)]) - 128 }
    block = transformed(transformed(block, cosines), cosines)
    for index in block.indices {
      let step = Double(brightnessSteps[index]) * 5 / 3
      block[index] = (block[index] / step).rounded() * step
    }
    block = transformed(transformed(block, transposedCosines), transposedCosines)
    for y in 0..<min(8, height - top) {
      for x in 0..<min(8, width - left) {
        pixels[place(y, x)] = UInt8(max(0, min(255, (block[y * 8 + x] + 128).rounded())))
      }
    }
  }
}

/// The transpose of `matrix` times a block: twice over, a transform of both directions.
private func transformed(_ block: [Double], _ matrix: [Double]) -> [Double] {
  (0..<64).map { index in
    let (i, j) = index.quotientAndRemainder(dividingBy: 8)
    return (0..<8).reduce(0) { $0 + block[i * 8 + $1] * matrix[j * 8 + $1] }
  }.transposedBlock
}

extension [Double] {
  fileprivate var transposedBlock: [Double] { (0..<64).map { self[$0 % 8 * 8 + $0 / 8] } }
}

private let cosines: [Double] = (0..<64).map { index in
  let (u, x) = index.quotientAndRemainder(dividingBy: 8)
  return (u == 0 ? 0.125.squareRoot() : 0.5) * cos(Double((2 * x + 1) * u) * .pi / 16)
}
private let transposedCosines = cosines.transposedBlock

private let brightnessSteps = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
  14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
  92,
  49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]
