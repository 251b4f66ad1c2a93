import Foundation
import Heads
import Images
import Models

extension DensityModel {
  /// Starts the output biases where the head gives each level as often as it occurs, so that training
  /// begins at the independent model's likelihood and not at coin flips. Pixels that never change, such
  /// as the rim of a digit, would otherwise need thousands of steps. Nothing happens to a model whose
  /// outputs have no bias. Means of inputs start at those of the same levels.
  ///
  /// Frequencies are (n + 1) / (N + levels) over at most 10 000 images, evenly spaced: a folder is
  /// sorted, often by class.
  public func startAtMarginals(of data: any TrainingImages, pixels: PixelEncoding, seed: UInt64) {
    guard let outputBias else { return }
    let levels = head.levels
    // A bias for each step of an image or of a pixel, or one that all steps share.
    let biases = outputBias.value.count / head.outputs(channels: image.channels)
    let places = biases * subpixelsAStep
    var counts = [Double](repeating: 1, count: places * levels)
    var images = Array(stride(from: 0, to: data.count, by: (data.count + 9_999) / 10_000))[...]
    while !images.isEmpty {
      let batch = data.batch(Array(images.prefix(500)), as: pixels, epoch: 0, seed: seed)
      images = images.dropFirst(500)
      for (i, symbol) in batch.symbols.enumerated() {
        counts[i % places * levels + Int(symbol)] += 1
      }
    }
    let logs = stride(from: 0, to: counts.count, by: levels).map { first in
      counts[first..<first + levels].map { log($0) }
    }
    outputBias.value.write(
      stride(from: 0, to: places, by: subpixelsAStep).flatMap {
        head.bias(logFrequencies: Array(logs[$0..<$0 + subpixelsAStep]))
      })
    guard let inputMeans else { return }
    precondition(places == inputMeans.value.count, "\(places) places of \(inputMeans.shape) means")
    inputMeans.value.write(
      stride(from: 0, to: counts.count, by: levels).map { first in
        let all = counts[first..<first + levels]
        let sum = zip(0..., all).reduce(0) { $0 + Double($1.0) * $1.1 }
        return sum / all.reduce(0, +) / Double(levels - 1)
      })
  }
}
