import CPU
import Foundation
import Heads
import Images
import Layers
import Models
import Randomness
import Tensors
import TestSupport
import Testing

/// Counts over causal templates.
@Suite struct ContextTests {
  private let context = Context(Engine(CPUBackend.shared, .float32))

  private func model(
    _ head: Head, _ image: ImageShape, table: Int = 14, classes: Int? = nil
  ) throws -> any ClosedForm {
    try #require(
      try ModelSpecification(
        name: "context", settings: ["table": "\(table)"], head: head, image: image,
        classes: classes
      ).build(in: ParameterStore(seed: 1)) as? any ClosedForm)
  }

  /// Images whose rows are each the one above shifted by one, begun at random, some sub-pixels flipped.
  private func images(_ count: Int, _ shape: ImageShape, levels: Int, noise: Double, seed: UInt64)
    -> PixelBatch
  {
    var random = RandomStream(seed: seed, "rows")
    var symbols: [UInt8] = []
    for _ in 0..<count {
      let first = (0..<shape.width).map { _ in random.integer(below: levels) }
      for row in 0..<shape.height {
        for column in 0..<shape.width {
          let level = first[(column + row) % shape.width]
          for _ in 0..<shape.channels {
            symbols.append(
              UInt8(random.uniform() < noise ? random.integer(below: levels) : level))
          }
        }
      }
    }
    return PixelBatch(
      count: count, height: shape.height, width: shape.width, channels: shape.channels,
      levels: levels, symbols: symbols)
  }

  private func nats(_ model: any DensityModel, _ batch: PixelBatch) -> Double {
    -model.logProbability(of: batch, in: context).reduce(0, +) / Double(batch.count)
  }

  @Test("what the sub-pixels above tell is learned, and what is noise is not")
  func learns() throws {
    let shape = ImageShape(height: 6, width: 6, channels: 1)
    let model = try model(.bernoulli, shape)
    let training = images(600, shape, levels: 2, noise: 0.1, seed: 1)
    model.fit(training, validation: nil)
    // The first row is a coin a pixel, each other pixel is flipped once in twenty.
    let best = 6 * log(2) - 30 * (0.05 * log(0.05) + 0.95 * log(0.95))
    let test = nats(model, images(300, shape, levels: 2, noise: 0.1, seed: 2))
    #expect(test < 36 * log(2) * 0.75 && test > best * 0.9, "\(test) nats, at best \(best)")
    // Held-out counts: training images are not known by heart.
    #expect(abs(nats(model, training) - test) < 0.15 * test)
  }

  @Test("levels of colours", arguments: [2, 3, 16, 256])
  func levels(_ levels: Int) throws {
    let shape = ImageShape(height: 5, width: 5, channels: 3)
    let model = try model(.categorical(levels), shape)
    model.fit(images(300, shape, levels: levels, noise: 0, seed: 1), validation: nil)
    let test = images(50, shape, levels: levels, noise: 0, seed: 2)
    // G and B are what R is; of 256 levels 300 images tell only some.
    #expect(nats(model, test) < (levels == 256 ? 0.65 : 0.55) * 75 * log(Double(levels)))
    let conditionals = model.conditionals(test, in: context)
    for subpixel in [0, 7, 74] {
      let p = conditionals.probabilities(image: 0, subpixel: subpixel)
      #expect(p.count == levels && abs(p.reduce(0, +) - 1) < 1e-5)
    }
  }

  @Test("what differs between classes is told by the class, and what they share is shared")
  func classes() throws {
    let shape = ImageShape(height: 6, width: 6, channels: 1)
    /// Images of two classes, told apart by their first column.
    func images(_ count: Int, seed: UInt64) -> PixelBatch {
      var batch = self.images(count, shape, levels: 2, noise: 0.1, seed: seed)
        .labelled((0..<count).map { $0 % 2 })
      for place in batch.symbols.indices {
        if place % 6 == 0 { batch.symbols[place] = UInt8(place / 36 % 2) }
      }
      return batch
    }
    let (training, test) = (images(400, seed: 1), images(200, seed: 2))
    let (told, untold) = (
      try model(.bernoulli, shape, classes: 2), try model(.bernoulli, shape)
    )
    told.fit(training, validation: nil)
    untold.fit(training, validation: nil)
    let right = nats(told, test)
    #expect(right < nats(untold, test) - 0.3)
    // The wrong class costs, but what the classes share is still foretold.
    let wrong = nats(told, test.labelled(test.labels!.map { 1 - $0 }))
    #expect(wrong > right + 1 && wrong < 36 * log(2))
    // A model that is told none looks at no labels.
    #expect(nats(untold, test.labelled(nil)) == nats(untold, test))
  }

  @Test("an image has one probability, whatever is scored with it")
  func alone() throws {
    let shape = ImageShape(height: 4, width: 4, channels: 1)
    let model = try model(.bernoulli, shape)
    model.fit(images(50, shape, levels: 2, noise: 0.2, seed: 1), validation: nil)
    let batch = images(9, shape, levels: 2, noise: 0.2, seed: 2)
    let together = model.logProbability(of: batch, in: context)
    #expect(model.logProbability(of: batch, in: context) == together)
    let one = PixelBatch(
      count: 1, height: 4, width: 4, channels: 1, levels: 2, symbols: Array(batch.symbols[64..<80]))
    #expect(model.logProbability(of: one, in: context) == [together[4]])
  }

  @Test("a table that is too small forgets what is rare, and is still a density")
  func small() throws {
    let shape = ImageShape(height: 3, width: 3, channels: 1)
    let model = try model(.bernoulli, shape, table: 10)
    model.fit(images(2000, shape, levels: 2, noise: 0.5, seed: 1), validation: nil)
    let all = PixelBatch(
      count: 512, height: 3, width: 3, channels: 1, levels: 2,
      symbols: (0..<512).flatMap { code in (0..<9).map { UInt8(code >> $0 & 1) } })
    let sum = model.logProbability(of: all, in: context).reduce(0) { $0 + exp($1) }
    #expect(abs(sum - 1) < 1e-5)
  }

  @Test("a table of no such size is one line", arguments: ["9", "29"])
  func refused(_ table: String) throws {
    let specification = try ModelSpecification(
      name: "context", settings: ["table": table], head: .bernoulli,
      image: ImageShape(height: 4, width: 4, channels: 1))
    #expect {
      try specification.build(in: .measuring())
    } throws: {
      "\($0)" == "setting table of context: expected 10 ... 28, found \(table)"
    }
  }
}
