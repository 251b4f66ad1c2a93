import Foundation
import Heads
import Images
import Layers
import Models

extension TrainingImages {
  /// Batches of at most so many images, evenly spaced: a folder is sorted, often by class.
  fileprivate func some(
    _ most: Int, as pixels: PixelEncoding, seed: UInt64, _ body: (PixelBatch) -> Void
  ) {
    let places = Array(stride(from: 0, to: count, by: (count + most - 1) / most))
    for first in stride(from: 0, to: places.count, by: 500) {
      body(batch(Array(places[first...].prefix(500)), as: pixels, epoch: 0, seed: seed))
    }
  }
}

extension DensityModel {
  /// Starts the output biases where the head gives each level as often as it occurs, so that training
  /// begins at the independent model's likelihood and not at coin flips. Pixels that never change, such
  /// as the rim of a digit, would otherwise need thousands of steps. Nothing happens to a model whose
  /// outputs have no bias. Means of inputs start at those of the same levels.
  ///
  /// Frequencies are (n + 1) / (N + levels) over at most 10 000 images.
  public func startAtMarginals(of data: any TrainingImages, pixels: PixelEncoding, seed: UInt64) {
    if let whitening { return startWhitened(whitening, of: data, pixels: pixels, seed: seed) }
    guard let outputBias else { return }
    let levels = head.levels
    // A bias for each step of an image or of a pixel, or one that all steps share.
    let biases = outputBias.value.count / head.outputs(channels: image.channels)
    let places = biases * subpixelsAStep
    var counts = [Double](repeating: 1, count: places * levels)
    data.some(10_000, as: pixels, seed: seed) { batch in
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

extension DensityModel {
  /// Starts a model of whitened intensities at about the normal distribution with the covariance of the
  /// training images, of at most 20 000 of them, dequantised: a level stands for a bin as wide as it.
  private func startWhitened(
    _ whitening: Whitening, of data: any TrainingImages, pixels: PixelEncoding, seed: UInt64
  ) {
    let (d, scale) = (image.dimension, 1 / Double(head.levels - 1))
    var count = 0.0
    var sums = [Double](repeating: 0, count: d)
    var products = [Double](repeating: 0, count: d * d)
    data.some(20_000, as: pixels, seed: seed) { batch in
      count += Double(batch.count)
      for n in 0..<batch.count {
        let x = batch.symbols[n * d..<(n + 1) * d].map { Double($0) * scale }
        for row in 0..<d {
          sums[row] += x[row]
          for column in 0...row { products[row * d + column] += x[row] * x[column] }
        }
      }
    }
    let means = sums.map { $0 / count }
    for row in 0..<d {
      for column in 0...row {
        products[row * d + column] = products[row * d + column] / count - means[row] * means[column]
      }
      products[row * d + row] += scale * scale / 12
    }
    whitening.set(means: means, covariance: products)
    guard let outputBias, let standard = head.frame?.standard else { return }
    outputBias.value.write(
      (0..<outputBias.value.count / standard.count).flatMap { _ in standard })
  }
}
