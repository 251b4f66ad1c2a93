import Foundation

extension Activation {
  /// f(x).
  public func value(_ x: Double) -> Double {
    switch self {
    case .identity: x
    case .relu: max(x, 0)
    case .sigmoid: 1 / (1 + exp(-x))
    }
  }

  /// f′ from the output y = f(x).
  public func slope(atOutput y: Double) -> Double {
    switch self {
    case .identity: 1
    case .relu: y > 0 ? 1 : 0
    case .sigmoid: y * (1 - y)
    }
  }
}

extension PlainBackend {
  public func intensities(_ symbols: [UInt8], scale: Double, offset: Double, into y: Tensor) {
    y.write(symbols.map { scale * Double($0) + offset })
  }

  public func appendChannels(_ planes: Tensor, to x: Tensor, into y: Tensor) {
    let (own, added) = (x.shape[3], planes.shape[2])
    let (x, planes) = (x.values, planes.values)
    y.write(
      (0..<y.count).map { i in
        let (pixel, channel) = (i / (own + added), i % (own + added))
        return channel < own
          ? x[pixel * own + channel] : planes[(pixel * added + channel - own) % planes.count]
      })
  }

  public func affine(_ x: Tensor, scale: Double, offset: Double, into y: Tensor) {
    y.write(x.values.map { scale * $0 + offset })
  }

  public func convert(_ x: Tensor, into y: Tensor) {
    y.write(x.values)
  }

  public func add(_ x: Tensor, into y: Tensor) {
    requireSame(x.shape, y.shape)
    y.write(zip(x.values, y.values).map { $0 + $1 })
  }

  public func product(_ a: Tensor, _ b: Tensor, into y: Tensor) {
    requireSame(a.shape, b.shape)
    y.write(zip(a.values, b.values).map { $0 * $1 })
  }

  public func dropout(_ mask: DropoutMask, _ x: Tensor, into y: Tensor) {
    requireSame(x.shape, y.shape)
    y.write(x.values.enumerated().map { i, x in mask.keeps(i) ? mask.scale * x : 0 })
  }

  public func activate(_ f: Activation, _ x: Tensor, into y: Tensor) {
    y.write(x.values.map(f.value))
  }

  public func activationGradient(
    _ f: Activation, output y: Tensor, _ dy: Tensor, into dx: Tensor, accumulating: Bool
  ) {
    requireSame(y.shape, dy.shape)
    var result = zip(y.values, dy.values).map { f.slope(atOutput: $0) * $1 }
    if accumulating { result = zip(result, dx.values).map { $0 + $1 } }
    dx.write(result)
  }

  public func sumOfSquares(_ x: Tensor, _ staircase: Staircase?) -> Double {
    let values = x.values
    return places(x.count, staircase).reduce(0) { $0 + values[$1] * values[$1] }
  }

  public func adamW(
    _ step: AdamWStep, weights: Tensor, gradient: Tensor, first: Tensor, second: Tensor,
    average: Tensor, copy: Tensor?, _ staircase: Staircase?
  ) {
    requireSame(weights.shape, gradient.shape)
    var w = weights.values
    var m = first.values
    var v = second.values
    var ema = average.values
    let g = gradient.values
    let t = Double(step.step)
    let firstCorrection = 1 - pow(step.beta1, t)
    let secondCorrection = 1 - pow(step.beta2, t)
    for i in places(w.count, staircase) {
      let gradient = g[i] * step.gradientScale
      m[i] = step.beta1 * m[i] + (1 - step.beta1) * gradient
      v[i] = step.beta2 * v[i] + (1 - step.beta2) * gradient * gradient
      let direction =
        (m[i] / firstCorrection) / ((v[i] / secondCorrection).squareRoot() + step.epsilon)
      w[i] -= step.learningRate * (direction + step.weightDecay * w[i])
      ema[i] = step.averageDecay * ema[i] + (1 - step.averageDecay) * w[i]
    }
    weights.write(w)
    first.write(m)
    second.write(v)
    average.write(ema)
    if let copy {
      for i in places(w.count, staircase) { copy.set(i, to: weights.element(i)) }
    }
  }
}

/// The elements that a staircase's steps reach, or all.
private func places(_ count: Int, _ staircase: Staircase?) -> [Int] {
  guard let staircase else { return Array(0..<count) }
  return staircase.reaches.enumerated().flatMap { row, reach in
    row * staircase.width..<row * staircase.width + reach
  }
}

/// Traps unless there are columns to clear for each row.
public func requireFit(
  _ x: Shape, _ starts: [Int], _ ends: [Int], file: StaticString = #file, line: UInt = #line
) {
  precondition(
    x.rank == 2 && starts.count == x[0] && ends.count == x[0],
    "cannot clear \(starts.count) and \(ends.count) rows of \(x)", file: file, line: line)
}

/// Traps where two shapes that must agree do not.
@inlinable
public func requireSame(
  _ a: Shape, _ b: Shape, file: StaticString = #file, line: UInt = #line
) {
  precondition(a == b, "shapes differ: \(a) and \(b)", file: file, line: line)
}
