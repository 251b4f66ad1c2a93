import Foundation
import Heads
import Images
import Layers
import Models
import Randomness
import Tensors
import TestSupport
import Testing

/// The Gaussian density against its covariance matrix, written out.
@Suite struct GaussianTests {
  private func build(_ shape: ImageShape, directions: Int, seed: UInt64 = 3) throws -> (
    any DensityModel, [String: Parameter]
  ) {
    let store = ParameterStore(seed: seed, precision: .float64)
    let model = try ModelSpecification(
      name: "gaussian", settings: ["directions": "\(directions)"], head: .normal(256), image: shape,
      seed: seed
    ).build(in: store)
    return (model, Dictionary(uniqueKeysWithValues: store.parameters.map { ($0.name, $0) }))
  }

  /// x of A x = b, by elimination.
  private func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
    var (a, b) = (matrix, right)
    for k in b.indices {
      for row in b.indices where row > k {
        let share = a[row][k] / a[k][k]
        for column in k..<b.count { a[row][column] -= share * a[k][column] }
        b[row] -= share * b[k]
      }
    }
    for k in b.indices.reversed() {
      for column in b.indices where column > k { b[k] -= a[k][column] * b[column] }
      b[k] /= a[k][k]
    }
    return b
  }

  @Test("conditionals are those of the covariance W Wᵀ + s² 1", arguments: [1, 3, 11, 12])
  func conditionals(_ directions: Int) throws {
    let shape = ImageShape(height: 2, width: 2, channels: 3)
    let (model, parameters) = try build(shape, directions: directions)
    let d = shape.dimension
    let w = try #require(parameters["loadings"]).value
    try #require(parameters["log_noise"]).value.write([-1])
    let mean = try #require(parameters["mean"]).value
    mean.write(randomTensor([d], .float64, "mean").values)
    let rows = (0..<d).map { i in (0..<directions).map { w.element(i * directions + $0) } }
    let covariance = (0..<d).map { i in
      (0..<d).map { j in
        zip(rows[i], rows[j]).reduce(i == j ? exp(-2) : 0) { $0 + $1.0 * $1.1 }
      }
    }
    var random = RandomStream(seed: 8, "symbols")
    let batch = PixelBatch(
      count: 9, height: 2, width: 2, channels: 3, levels: 256,
      symbols: (0..<9 * d).map { _ in UInt8(random.integer(below: 256)) })
    let found = try #require(
      model.conditionals(batch, in: Context(.reference)) as? DiscretisedNormal
    ).outputs.value
    for n in 0..<9 {
      for i in 0..<d {
        let known = (0..<i).map {
          Double(batch.symbols[n * d + $0]) / 255 - mean.element($0)
        }
        let block = (0..<i).map { Array(covariance[$0].prefix(i)) }
        let share = solve(block, Array(covariance[i].prefix(i)))
        let expected = mean.element(i) + zip(share, known).reduce(0) { $0 + $1.0 * $1.1 }
        let variance = covariance[i][i] - zip(share, covariance[i]).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(found.element(2 * (n * d + i)) - expected) < 1e-9)
        #expect(abs(found.element(2 * (n * d + i) + 1) - log(variance) / 2) < 1e-9)
      }
    }
  }

  /// Rows along two directions, and noise.
  private func rows(_ count: Int, _ dimension: Int, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed, "rows")
    func normal() -> Double {
      (0..<12).reduce(-6) { sum, _ in sum + random.uniform() }
    }
    return (0..<count).flatMap { _ in
      let (a, b) = (0.2 * normal(), 0.1 * normal())
      return (0..<dimension).map { i in
        Float(0.5 + a * sin(Double(i)) + b * cos(3 * Double(i)) + 0.02 * normal())
      }
    }
  }

  /// Those rows as images of 256 levels.
  private func batch(_ shape: ImageShape, _ count: Int, seed: UInt64) -> PixelBatch {
    PixelBatch(
      count: count, height: shape.height, width: shape.width, channels: shape.channels, levels: 256,
      symbols: rows(count, shape.dimension, seed: seed).map {
        UInt8((255 * min(max($0, 0), 1)).rounded())
      })
  }

  @Test("a fit finds the directions that there are and no more, where it has images to choose by")
  func fit() throws {
    let shape = ImageShape(height: 4, width: 5, channels: 1)
    let (model, parameters) = try build(shape, directions: 15)
    let gaussian = try #require(model as? any ClosedForm)
    gaussian.fit(batch(shape, 100, seed: 1), validation: batch(shape, 400, seed: 2))
    let w = try #require(parameters["loadings"]).value
    let used = (0..<15).filter { r in (0..<20).contains { w.element($0 * 15 + r) != 0 } }
    #expect(used == [0, 1])
    let noise = exp(try #require(parameters["log_noise"]).value.element(0))
    #expect(abs(noise - 0.02) < 0.002)
    let mean = try #require(parameters["mean"]).value.values
    for value in mean { #expect(abs(value - 0.5) < 0.1) }
    // With none to choose by, a quarter as many as images at most.
    gaussian.fit(batch(shape, 40, seed: 1), validation: nil)
    let more = (0..<15).filter { r in (0..<20).contains { w.element($0 * 15 + r) != 0 } }
    #expect(more.count <= 10 && more.count > 2)
  }

  @Test("images that never differ have a density too")
  func constant() throws {
    let shape = ImageShape(height: 2, width: 2, channels: 1)
    let (model, _) = try build(shape, directions: 2)
    let fitted = try #require(model as? any ClosedForm)
    fitted.fit(
      PixelBatch(
        count: 3, height: 2, width: 2, channels: 1, levels: 256,
        symbols: Array(repeating: 128, count: 12)), validation: nil)
    let batch = PixelBatch(
      count: 2, height: 2, width: 2, channels: 1, levels: 256,
      symbols: [128, 128, 128, 128, 0, 255, 0, 255])
    let logs = model.logProbability(of: batch, in: Context(.reference))
    #expect(logs[0] > -4 && logs[1] < -1e5 && logs[1].isFinite)
  }

  @Test("other heads are refused, and its head by other families")
  func heads() {
    for (name, head, words) in [
      (
        "gaussian", Head.bernoulli,
        "gaussian with a bernoulli head: expected normal, found bernoulli"
      ),
      (
        "made", .normal(4),
        "made with a normal head: expected bernoulli, categorical, logistic-mixture,"
          + " gaussian-mixture, found normal"
      ),
      (
        "nade", .logisticMixture(4),
        "nade with a logistic-mixture head: expected grey images, because it tells one sub-pixel at a"
          + " time and the head wants whole pixels, found 3 channels"
      ),
    ] {
      #expect {
        try ModelSpecification(
          name: name, head: head, image: ImageShape(height: 2, width: 2, channels: 3))
      } throws: {
        "\($0)" == words
      }
    }
  }
}
