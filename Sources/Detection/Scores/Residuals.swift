/// Statistics of z_i = (x_i − µ_i) / √(σ_i² + 1), with µ_i and σ_i² the mean and the variance of the
/// intensity, 0 … 255, under the model: how far the image is from what was expected, with its sign. Under the
/// model each has the mean 0 whatever came before, and so has the product of two: what is left in them is
/// structure that the model does not know.
extension Score {
  /// Σ z_i / √D: above zero where the image is brighter than expected.
  static let levelResidual = Score(
    "level_residual", "intensities beyond those expected, in standard deviations",
    needs: .levels, odd: .both, inVerdict: .both
  ) { evidence, _ in
    evidence.residuals.reduce(0, +) / Double(evidence.dimension).squareRoot()
  }

  /// The correlation of z of neighbours: next to each other, and one above the other.
  static let neighbours = [("right", 1, 0), ("below", 0, 1)].map { name, dx, dy in
    Score(
      "residual_\(name)", "correlation of residuals with those of pixels to the \(name)",
      needs: .levels, odd: .both, inVerdict: .both,
      of: { $0.width > dx && $0.height > dy }
    ) { evidence, _ in
      let shape = evidence.shape
      let z = evidence.residuals
      let row = shape.width * shape.channels
      var correlation = Correlation()
      for y in 0..<shape.height - dy {
        for i in 0..<row - dx * shape.channels {
          correlation.add(z[y * row + i], z[(y + dy) * row + i + dx * shape.channels])
        }
      }
      return correlation.value
    }
  }

  /// The correlation of z of two channels of a pixel: colours that go together where they should not.
  static let channelPairs = [
    ("red", "green", 0, 1), ("green", "blue", 1, 2), ("red", "blue", 0, 2),
  ]
  .map { first, second, a, b in
    Score(
      "residual_\(first)_\(second)", "correlation of residuals of \(first) and \(second)",
      needs: .levels, odd: .both, inVerdict: .both, of: { $0.channels == 3 }
    ) { evidence, _ in
      let z = evidence.residuals
      var correlation = Correlation()
      for pixel in stride(from: 0, to: z.count, by: 3) {
        correlation.add(z[pixel + a], z[pixel + b])
      }
      return correlation.value
    }
  }
}

/// About zero: the means of residuals are not taken off.
private struct Correlation {
  private var products = 0.0
  private var squares = (0.0, 0.0)

  mutating func add(_ a: Double, _ b: Double) {
    products += a * b
    squares.0 += a * a
    squares.1 += b * b
  }

  var value: Double {
    let scale = (squares.0 * squares.1).squareRoot()
    return scale > 0 ? products / scale : 0
  }
}
