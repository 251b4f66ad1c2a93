import Layers
import Tensors
import TestSupport
import Testing

@Suite struct WhiteningTests {
  private static let count = 400
  private static let dimension = 6

  /// Sub-pixels that lean on those before them: `[N, D]`.
  private func images() -> [Double] {
    let (count, d) = (Self.count, Self.dimension)
    let draws = randomTensor([count, d], .float64, "draws").values
    let mixing = randomTensor([d, d], .float64, "mixing").values
    return (0..<count * d).map { i in
      let (n, row) = (i / d, i % d)
      return (0...row).reduce(0.3 * Double(row)) {
        $0 + (($1 == row ? 0.2 : 0) + mixing[row * d + $1]) * draws[n * d + $1]
      }
    }
  }

  private func moments(_ x: [Double]) -> (means: [Double], covariance: [Double]) {
    let (count, d) = (Double(Self.count), Self.dimension)
    let rows = stride(from: 0, to: x.count, by: d).map { Array(x[$0..<$0 + d]) }
    let means = (0..<d).map { i in rows.reduce(0) { $0 + $1[i] } / count }
    let covariance = (0..<d * d).map { i in
      rows.reduce(0) { $0 + ($1[i / d] - means[i / d]) * ($1[i % d] - means[i % d]) } / count
    }
    return (means, covariance)
  }

  @Test func whatIsLeftOverIsWhite() throws {
    let d = Self.dimension
    let whitening = Whitening(
      d, at: ParameterStore(seed: 1, precision: .float64).root / "whitening")
    let x = images()
    let (means, covariance) = moments(x)
    whitening.set(means: means, covariance: covariance)
    let context = Context(.reference, tape: Tape())
    let given = Variable(Tensor([Self.count, d], .float64, values: x))
    let z = context.rows(whitening(.rows(given), in: context).z).value.values
    let white = moments(z)
    expectClose(white.means, [Double](repeating: 0, count: d), tolerance: 1e-12, floor: 1, "means")
    expectClose(
      white.covariance, (0..<d * d).map { $0 / d == $0 % d ? 1 : 0 }, tolerance: 1e-12, floor: 1,
      "covariance")
    // Nothing is expected of the first but its mean.
    let first = covariance[0].squareRoot()
    expectClose(
      stride(from: 0, to: z.count, by: d).map { z[$0] },
      stride(from: 0, to: x.count, by: d).map { (x[$0] - means[0]) / first }, tolerance: 1e-12,
      floor: 1, "the first sub-pixel")
  }
}
