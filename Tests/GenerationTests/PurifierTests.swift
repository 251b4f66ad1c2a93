import CPU
import Foundation
import Generation
import Heads
import Images
import Models
import Tensors
import TestSupport
import Testing

@Suite struct PurifierTests {
  private static let cases = [
    ModelCase(
      name: "pixelcnn", settings: ["blocks": "1", "channels": "8"], head: .categorical(16),
      image: ImageShape(height: 4, width: 5, channels: 1)),
    ModelCase(
      name: "pixelcnn", settings: ["blocks": "1", "channels": "6"], head: .categorical(12),
      image: ImageShape(height: 3, width: 3, channels: 3)),
    ModelCase(
      name: "nade", settings: ["hidden": "5"], head: .categorical(9),
      image: ImageShape(height: 4, width: 4, channels: 1)),
    ModelCase(
      name: "gated-pixelcnn", settings: ["layers": "2", "channels": "6"],
      head: .logisticMixture(32, components: 2), image: ImageShape(height: 3, width: 3, channels: 3)
    ),
  ]

  /// The likeliest level within `reach` of the image's own, of equals the image's own.
  private func likeliest(
    _ distribution: any PixelDistribution, _ batch: PixelBatch, _ own: PixelBatch, image: Int,
    subpixel: Int, reach: Int, smoothing: Double
  ) -> UInt8 {
    let rough = distribution.probabilities(batch, image: image, subpixel: subpixel)
    let deviation = smoothing * Double(rough.count - 1) / 255
    let p = rough.indices.map { z in
      rough.indices.reduce(0.0) { sum, k in
        let far = abs(Double(z - k))
        if far > 2 * deviation { return z == k ? sum + rough[k] : sum }
        return sum + rough[k] * (far == 0 ? 1 : exp(-pow(far / deviation, 2) / 2))
      }
    }
    let level = Int(own.symbols[image * own.dimension + subpixel])
    let window = max(0, level - reach)...min(p.count - 1, level + reach)
    // Sums in another order may differ in their last digits.
    let most = window.map { p[$0] }.max()! * (1 - 1e-12)
    return UInt8(p[level] >= most ? level : window.first { p[$0] >= most }!)
  }

  @Test(
    "every sub-pixel is the likeliest within reach, given the moved ones",
    arguments: cases, [0, 30.0])
  func definition(_ modelCase: ModelCase, smoothing: Double) throws {
    let model = try modelCase.build(precision: .float32, spread: 0.7).model
    let context = Context(Engine(CPUBackend.shared, .float32))
    let images = modelCase.randomBatch(7)
    let reach = 3
    let purifier = Purifier(model, in: context, reach: reach, steps: 0, smoothing: smoothing)
    let moved = try #require(try purifier.purify(images))
    let distribution = model.conditionals(moved, in: context)
    let unmoved = model.conditionals(images, in: context)
    var otherwise = 0
    for image in 0..<images.count {
      for subpixel in 0..<images.dimension {
        let found = moved.symbols[image * images.dimension + subpixel]
        #expect(
          found
            == likeliest(
              distribution, moved, images, image: image, subpixel: subpixel, reach: reach,
              smoothing: smoothing))
        // The mistake of other implementations: conditions on the image as it came.
        let naive = likeliest(
          unmoved, images, images, image: image, subpixel: subpixel, reach: reach,
          smoothing: smoothing)
        otherwise += found == naive ? 0 : 1
      }
    }
    #expect(otherwise > 0, "the test could not tell what sub-pixels are conditioned on")
    let before = model.logProbability(of: images, in: context)
    let after = model.logProbability(of: moved, in: context)
    // Greedy: of one image it need not be so.
    #expect(smoothing > 0 || before.reduce(0, +) < after.reduce(0, +))

    // An image is the same alone; and one that is stopped is none.
    #expect(try purifier.purify(images[6..<7])!.symbols == moved[6..<7].symbols)
    #expect(try purifier.purify(images) { _ in false } == nil)
  }

  @Test("steps along the gradient take images on, within reach", arguments: cases)
  func steps(_ modelCase: ModelCase) throws {
    let model = try modelCase.build(precision: .float32, spread: 0.7).model
    let context = Context(Engine(CPUBackend.shared, .float32))
    let images = modelCase.randomBatch(35)  // more than are taken at once
    let reach = 5
    // As far as each sub-pixel goes by itself before the steps.
    let greedy = try #require(
      try Purifier(model, in: context, reach: 3, steps: 0, smoothing: 0).purify(images))
    var done: [Double] = []
    let purifier = Purifier(model, in: context, reach: reach, smoothing: 0)
    let moved = try #require(
      try purifier.purify(images) {
        done.append($0)
        return true
      })
    let (before, after) = (
      model.logProbability(of: images, in: context), model.logProbability(of: moved, in: context)
    )
    var taken = 0
    for n in 0..<images.count where moved[n..<n + 1].symbols != greedy[n..<n + 1].symbols {
      #expect(after[n] > before[n])
      taken += 1
    }
    #expect(taken > 5)
    let moves = zip(moved.symbols, images.symbols).map { abs(Int($0) - Int($1)) }
    #expect(moves.max()! <= reach)
    #expect(done == done.sorted() && abs(done.last! - 35) < 1e-9)

    #expect(try purifier.purify(images[34..<35])!.symbols == moved[34..<35].symbols)
    #expect(try purifier.purify(images) { $0 < 20 } == nil)
  }
}
