import Distributions
import Foundation
import Images
import Models
import Tensors

extension DensityModel {
  /// Starts the output biases at the logits of how often each level occurs, so that training begins
  /// at the independent model's likelihood and not at coin flips. Pixels that never change, such as
  /// the rim of a digit, would otherwise need thousands of steps.
  ///
  /// Frequencies are (n + 1) / (N + levels) over at most 10 000 images, evenly spaced: a folder is
  /// sorted, often by class.
  func startAtMarginals(of data: DataSet, pixels: PixelEncoding, seed: UInt64) {
    let bias = outputBias.value
    let levels = head.levels
    // A bias for each sub-pixel, or for each channel where all pixels share it.
    let places = bias.count / head.outputs
    var counts = [Double](repeating: 1, count: places * levels)
    var images = Array(stride(from: 0, to: data.count, by: (data.count + 9_999) / 10_000))[...]
    while !images.isEmpty {
      let batch = pixels.batch(of: data, indices: images.prefix(500), epoch: 0, seed: seed)
      images = images.dropFirst(500)
      for (i, symbol) in batch.symbols.enumerated() {
        counts[i % places * levels + Int(symbol)] += 1
      }
    }
    let logs = counts.map { log($0) }
    switch head.kind {
    case .bernoulli: bias.write((0..<places).map { logs[2 * $0 + 1] - logs[2 * $0] })
    case .categorical:
      bias.write(
        (0..<places).flatMap { place in
          let row = logs[place * levels..<(place + 1) * levels]
          let mean = row.reduce(0, +) / Double(levels)
          return row.map { $0 - mean }
        })
    }
  }
}
