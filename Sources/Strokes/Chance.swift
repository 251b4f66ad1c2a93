import Randomness

extension RandomStream {
  /// A draw from a bell curve of mean 0 and standard deviation 1 that never leaves ±3.5.
  ///
  /// The sum of four uniform draws. Like all of `Strokes` it uses only + − × ÷ and √, which IEEE 754
  /// rounds alike everywhere, so that every machine draws the same pixels.
  mutating func bell() -> Double {
    (uniform() + uniform() + uniform() + uniform() - 2) * 3.0.squareRoot()
  }

  mutating func bell(mean: Double, deviation: Double) -> Double {
    mean + deviation * bell()
  }

  mutating func uniform(_ range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
  }
}
