import Foundation
import Heads
import Images
import Randomness
import Tensors

/// A density that can tell the sub-pixels of an image in other orders than the raster's, by the same
/// weights. Each order is a density of its own, and so is their mean.
///
/// ```swift
/// let nats = model.logProbability(of: batch, orders: 16, in: context).map { -$0 }
/// ```
public protocol Reordering: DensityModel {
  /// How many orders it has; nil where it has all there are.
  var orderCount: Int? { get }
  /// The sub-pixels of an image, by their places in it, in the order of a number: 0 for the raster's, the
  /// same always for any other.
  func order(_ number: Int) -> [Int]
  /// The model that tells images in the order of a number. Its batches hold the sub-pixels of an image in
  /// that order (`PixelBatch.told(in:)`), and so do its conditionals.
  func telling(inOrder number: Int) -> any DensityModel
}

/// A density whose sub-pixels can be told in any order.
public protocol Reorderable: DensityModel {
  /// The density of the same images told in another order: its symbol i is sub-pixel `order[i]` of an
  /// image in raster order.
  /// It has the same parameters: what is prepared of those must hold for every order.
  /// - Parameter order: each sub-pixel once, 0 ..< D.
  func told(in order: [Int]) -> any DensityModel
}

/// The order of a number: the raster's for 0, others drawn for a seed. The sub-pixels of a step stay together.
func drawnOrder(_ number: Int, of image: ImageShape, _ head: Head, seed: UInt64) -> [Int] {
  guard number > 0 else { return Array(0..<image.dimension) }
  let each = image.channels / head.steps(channels: image.channels)
  var stream = RandomStream(seed: seed, "order", number)
  return stream.permutation(of: image.dimension / each).flatMap { step in
    (0..<each).map { step * each + $0 }
  }
}

/// The order of a number where each odd one is that before it from its end on: first the eight that go by
/// lines from a corner, the raster's at their head, then others by lines, whose directions are drawn for a
/// seed. Of each four the first two go by rows, the others by columns. The sub-pixels of a step stay together.
func orderByLines(_ number: Int, of image: ImageShape, _ head: Head, seed: UInt64) -> [Int] {
  let (height, width, channels) = (image.height, image.width, image.channels)
  guard number % 2 == 0 else {
    let each = channels / head.steps(channels: channels)
    let before = orderByLines(number - 1, of: image, head, seed: seed)
    return stride(from: before.count - each, through: 0, by: -each).flatMap {
      before[$0..<$0 + each]
    }
  }
  let byColumns = number / 2 % 2 == 1
  var stream = RandomStream(seed: seed, "lines", number)
  let (lines, length) = byColumns ? (width, height) : (height, width)
  return (0..<lines).flatMap { line in
    let isReversed = number < 8 ? number >= 4 : stream.integer(below: 2) == 1
    return (0..<length).flatMap { step in
      let along = isReversed ? length - 1 - step : step
      let pixel = byColumns ? along * width + line : line * width + along
      return (0..<channels).map { pixel * channels + $0 }
    }
  }
}

extension PixelBatch {
  /// The images with their sub-pixels in another order, as a model that tells them so wants them.
  /// - Parameter order: the places of the sub-pixels in an image.
  public func told(in order: [Int]) -> PixelBatch {
    precondition(order.count == dimension, "\(order.count) places of \(dimension) sub-pixels")
    guard !order.elementsEqual(0..<dimension) else { return self }
    var result = self
    for image in 0..<count {
      for (place, subpixel) in order.enumerated() {
        result.symbols[image * dimension + place] = symbols[image * dimension + subpixel]
      }
    }
    return result
  }
}
