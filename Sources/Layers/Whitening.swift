import Foundation
import Tensors

/// Sub-pixels as what a linear regression on those before them leaves over, in deviations of its own:
///
///     z_d = (x_d − x̂_d) / s_d,   x̂_d = b_d + Σ_{e<d} A_de x_e
///
/// Neighbours are so alike that what they differ in is a small part of them; of z every part is as large as
/// any other, and correlated with none. A, b and s are set from the training images and stay as they are,
/// and log p(x) = log p(z) − Σ_d ln s_d. At z of independent normal distributions that is the normal
/// distribution of x with the images' covariance, whose Cholesky factor A and s are.
public struct Whitening {
  /// A and b.
  let regression: MaskedLinear
  /// ln s, `[D]`.
  let logDeviations: Parameter

  public init(_ dimension: Int, at scope: Scope) {
    regression = MaskedLinear(dimension, dimension, weights: .zeros, learns: false, at: scope) {
      [.init(inputs: Array(1...dimension), outputs: Array(0..<dimension))]
    }
    logDeviations = scope.parameter(
      "deviations", [dimension], .zeros, decays: false, learns: false)
  }

  public var multiplyAdds: Int { regression.multiplyAdds }

  /// Sets A, b and s from the moments of the images.
  /// - Parameters:
  ///   - means: `[D]`, of intensities 0…1.
  ///   - covariance: `[D, D]`, positive definite; its lower triangle is read.
  public func set(means: [Double], covariance: [Double]) {
    let d = means.count
    // C = U diag(s²) Uᵀ with ones on U's diagonal: (I − A) = U⁻¹.
    var factor = covariance
    var squares = [Double](repeating: 0, count: d)
    for row in 0..<d {
      for column in 0...row {
        var sum = covariance[row * d + column]
        for k in 0..<column {
          sum -= factor[row * d + k] * factor[column * d + k] * squares[k]
        }
        if column < row {
          factor[row * d + column] = sum / squares[column]
        } else {
          precondition(sum > 0, "a covariance is positive definite")
          squares[row] = sum
        }
      }
    }
    var weights = [Double](repeating: 0, count: d * d)
    for row in 0..<d {
      for column in 0..<row {
        var sum = factor[row * d + column]
        for k in column + 1..<row { sum -= factor[row * d + k] * weights[k * d + column] }
        weights[row * d + column] = sum
      }
    }
    regression.weight.value.write(weights)
    regression.bias!.value.write(
      (0..<d).map { row in
        (0..<row).reduce(means[row]) { $0 - weights[row * d + $1] * means[$1] }
      })
    logDeviations.value.write(squares.map { log($0) / 2 })
  }

  /// What a pass makes of the sub-pixels that it is told.
  public struct Whitened {
    /// z of those.
    public let z: Units
    /// x̂ of all, or with a memory of those that could not be expected before: `[N, count]`.
    let expected: Variable
    /// ln s of those.
    let logDeviations: [Double]
  }

  /// - Parameter x: all sub-pixels, or with a memory those that have become known.
  public func callAsFunction(_ x: Units, in context: Context) -> Whitened {
    let logs = logDeviations.value.values
    let expected = regression(x, precision: context.wide, last: true, in: context)
    switch (x, expected) {
    case (.rows(let x), .rows(let expected)):
      let z = context.deviations(of: x, from: expected, logs.map { exp(-$0) })
      return Whitened(z: .rows(z), expected: expected, logDeviations: logs)
    case (.sideBySide(let x), .sideBySide(let new)):
      guard let memory = context.memory else {
        let z = deviations(of: x, from: new, logs[...])
        return Whitened(
          z: .sideBySide(z), expected: context.rows(expected), logDeviations: logs)
      }
      let state = memory.state(of: logDeviations) {
        State(.zeros(elements: logs.count, images: memory.images, new.precision))
      }
      context.backend.copy(new, into: state.expected, from: state.known)
      let places = state.known..<state.known + new.elements
      let told = state.told..<state.told + x.elements
      (state.known, state.told) = (places.upperBound, told.upperBound)
      return Whitened(
        z: .sideBySide(deviations(of: x, from: state.expected, logs[told])),
        expected: context.rows(expected), logDeviations: Array(logs[places]))
    default: preconditionFailure("a layer keeps the form of its units")
    }
  }

  /// What it remembers: what was expected of the sub-pixels, of how many, and how many were told.
  private final class State: LayerState {
    let expected: SideBySide
    var known = 0
    var told = 0

    init(_ expected: SideBySide) { self.expected = expected }

    func copy(of images: [Int]) -> State {
      let state = State(expected.copy(of: images))
      (state.known, state.told) = (known, told)
      return state
    }
  }

  /// z of the sub-pixels x that begin where these ln s do.
  private func deviations(
    of x: SideBySide, from expected: SideBySide, _ logs: ArraySlice<Double>
  ) -> SideBySide {
    let z = SideBySide(elements: x.elements, images: x.images, x.precision)
    let rows = expected.values.rows(logs.startIndex..<logs.startIndex + x.elements)
    let inverses = logs.map { exp(-$0) }
    switch z.precision {
    case .float64:
      scaleDifference(x.values, rows, into: z.values, Double.self) { inverses[$0 / x.lanes] }
    default:
      scaleDifference(x.values, rows, into: z.values, Float.self) { inverses[$0 / x.lanes] }
    }
    return z
  }
}

/// y = (a − b) times the factor of each place.
private func scaleDifference<Element: BinaryFloatingPoint>(
  _ a: Tensor, _ b: Tensor, into y: Tensor, _: Element.Type, _ factor: (Int) -> Double
) {
  a.withBytes { a in
    b.withBytes { b in
      y.withMutableBytes { y in
        let (a, b) = (a.bindMemory(to: Element.self), b.bindMemory(to: Element.self))
        let y = y.bindMemory(to: Element.self)
        for i in y.indices { y[i] = (a[i] - b[i]) * Element(factor(i)) }
      }
    }
  }
}

extension Context {
  /// (x − x̂) / s of rows `[N, D]`.
  fileprivate func deviations(
    of x: Variable, from expected: Variable, _ inverses: [Double]
  ) -> Variable {
    let z = Tensor(x.shape, wide)
    let d = inverses.count
    switch wide {
    case .float64:
      scaleDifference(x.value, expected.value, into: z, Double.self) { inverses[$0 % d] }
    default: scaleDifference(x.value, expected.value, into: z, Float.self) { inverses[$0 % d] }
    }
    return record(z, from: [x, expected]) { dz, gradients in
      let along = dz.values.enumerated().map { $1 * inverses[$0 % d] }
      func tensor(_ values: [Double]) -> Tensor { Tensor(dz.shape, dz.precision, values: values) }
      gradients.add(tensor(along), to: x.slot)
      gradients.add(tensor(along.map { -$0 }), to: expected.slot)
    }
  }

  /// Outputs that are of z as those of x: locations become x̂ + s times what they were, and ln s is added to
  /// logarithms of deviations.
  /// - Parameters:
  ///   - outputs: `[N, …]`, so many of each of the last sub-pixels that are expected.
  ///   - locations: which outputs of a sub-pixel are locations.
  ///   - logs: which are logarithms of deviations.
  public func unwhitened(
    _ outputs: Variable, _ each: Int, locations: Range<Int>, logDeviations logs: Range<Int>,
    _ whitened: Whitening.Whitened
  ) -> Variable {
    let images = outputs.shape[0]
    let count = outputs.shape.count / images / each
    let lns = whitened.logDeviations.suffix(count).map { $0 }
    let deviations = lns.map { exp($0) }
    let (all, first) = (whitened.expected.shape[1], whitened.expected.shape[1] - count)
    let expected = whitened.expected.value.values
    var values = outputs.value.values
    for n in 0..<images {
      for d in 0..<count {
        let place = (n * count + d) * each
        for k in locations {
          values[place + k] = expected[n * all + first + d] + deviations[d] * values[place + k]
        }
        for k in logs { values[place + k] += lns[d] }
      }
    }
    let result = Tensor(outputs.shape, wide, values: values)
    return record(result, from: [outputs, whitened.expected]) { dy, gradients in
      var values = dy.values
      var sums = [Double](repeating: 0, count: images * all)
      for n in 0..<images {
        for d in 0..<count {
          let place = (n * count + d) * each
          for k in locations {
            sums[n * all + first + d] += values[place + k]
            values[place + k] *= deviations[d]
          }
        }
      }
      gradients.add(Tensor(dy.shape, dy.precision, values: values), to: outputs.slot)
      gradients.add(Tensor([images, all], dy.precision, values: sums), to: whitened.expected.slot)
    }
  }
}
