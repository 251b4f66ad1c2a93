import Randomness
import Tensors
import Testing

/// Expects two lists of numbers to have the same length and to agree within a tolerance relative to
/// the largest magnitude expected (at least `floor`).
public func expectClose(
  _ found: [Double], _ expected: [Double], tolerance: Double, floor: Double = 1e-3,
  _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard found.count == expected.count else {
    Issue.record(
      "\(what): expected \(expected.count) numbers, found \(found.count)",
      sourceLocation: sourceLocation)
    return
  }
  let scale = max(floor, expected.reduce(0) { max($0, abs($1)) })
  var worst = 0.0
  var place = 0
  for (i, (a, b)) in zip(found, expected).enumerated() {
    // Not-a-number is as far as can be.
    let distance = (a - b).isNaN ? .infinity : abs(a - b)
    if distance > worst { (worst, place) = (distance, i) }
  }
  #expect(
    worst <= tolerance * scale,
    "\(what): at \(place) expected \(expected[place]), found \(found[place])",
    sourceLocation: sourceLocation)
}

/// A tensor of draws from −1…1, keyed by its name.
public func randomTensor(
  _ shape: Shape, _ precision: Precision = .float64, _ name: String = "tensor"
) -> Tensor {
  var random = RandomStream(seed: 5, "random/\(name)")
  return Tensor(shape, precision, values: (0..<shape.count).map { _ in 2 * random.uniform() - 1 })
}

/// The central difference of `f` in one element of a float64 tensor, left as it was.
public func finiteDifference(
  _ tensor: Tensor, _ index: Int, step: Double = 1e-5, _ f: () -> Double
) -> Double {
  let value = tensor.element(index)
  tensor.set(index, to: value + step)
  let above = f()
  tensor.set(index, to: value - step)
  let below = f()
  tensor.set(index, to: value)
  return (above - below) / (2 * step)
}
