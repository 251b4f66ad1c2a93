import Tensors

extension ReferenceBackend: NADEKernels {
  public func nade(
    _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor, units: Activation,
    into logits: Tensor
  ) {
    let sizes = NADESizes(x: x, w: w, v: v)
    let (x, w, v, b) = (x.values, w.values, v.values, b.values)
    var result = [Double](repeating: 0, count: logits.count)
    for n in 0..<sizes.images {
      var a = c.values
      for d in 0..<sizes.dimension {
        let h = a.map(units.value)
        for k in 0..<sizes.outputs {
          var sum = b[d * sizes.outputs + k]
          for j in 0..<sizes.hidden { sum += v[(d * sizes.outputs + k) * sizes.hidden + j] * h[j] }
          result[(n * sizes.dimension + d) * sizes.outputs + k] = sum
        }
        for j in 0..<sizes.hidden { a[j] += x[n * sizes.dimension + d] * w[d * sizes.hidden + j] }
      }
    }
    logits.write(result)
  }

  public func nadeGradient(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, units: Activation,
    dw: Tensor, dc: Tensor, dv: Tensor, db: Tensor
  ) {
    let sums = wayBack(dlogits, x, w: w, c: c, v: v, units)
    dw.write(sums.w)
    dc.write(sums.c)
    dv.write(sums.v)
    sumOfRows(dlogits, into: db)
  }

  public func nadeInputGradient(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, units: Activation,
    into dx: Tensor
  ) {
    dx.write(wayBack(dlogits, x, w: w, c: c, v: v, units).x)
  }

  /// The gradients in all but b.
  private func wayBack(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, _ units: Activation
  ) -> (x: [Double], w: [Double], c: [Double], v: [Double]) {
    let sizes = NADESizes(x: x, w: w, v: v)
    let (g, x, w, v) = (dlogits.values, x.values, w.values, v.values)
    var sumX = [Double](repeating: 0, count: x.count)
    var sumW = [Double](repeating: 0, count: w.count)
    var sumC = [Double](repeating: 0, count: sizes.hidden)
    var sumV = [Double](repeating: 0, count: v.count)
    for n in 0..<sizes.images {
      var a = c.values
      var hidden: [[Double]] = []
      for d in 0..<sizes.dimension {
        hidden.append(a.map(units.value))
        for j in 0..<sizes.hidden { a[j] += x[n * sizes.dimension + d] * w[d * sizes.hidden + j] }
      }
      // What all later conditionals want of the activation a.
      var da = [Double](repeating: 0, count: sizes.hidden)
      for d in (0..<sizes.dimension).reversed() {
        for j in 0..<sizes.hidden {
          sumX[n * sizes.dimension + d] += da[j] * w[d * sizes.hidden + j]
          sumW[d * sizes.hidden + j] += x[n * sizes.dimension + d] * da[j]
          var dh = 0.0
          for k in 0..<sizes.outputs {
            let dlogit = g[(n * sizes.dimension + d) * sizes.outputs + k]
            sumV[(d * sizes.outputs + k) * sizes.hidden + j] += dlogit * hidden[d][j]
            dh += dlogit * v[(d * sizes.outputs + k) * sizes.hidden + j]
          }
          da[j] += dh * units.slope(atOutput: hidden[d][j])
        }
      }
      for j in 0..<sizes.hidden { sumC[j] += da[j] }
    }
    return (sumX, sumW, sumC, sumV)
  }
}

extension ReferenceBackend {
  public func prepareNADE(
    w: Tensor, c: Tensor, v: Tensor, b: Tensor, units: Activation
  ) -> NADEWeights {
    NADEWeights(w: w, c: c, v: v, b: b, units: units, packed: nil)
  }

  public func nade(_ x: Tensor, _ weights: NADEWeights, into logits: Tensor) {
    nade(
      x, w: weights.w, c: weights.c, v: weights.v, b: weights.b, units: weights.units,
      into: logits)
  }

  public func nadeState(_ weights: NADEWeights, images: Int) -> NADEState {
    let a = Tensor([images, weights.hidden], weights.c.precision)
    for n in 0..<images { a.rows(n..<n + 1).reshaped(weights.c.shape).copy(from: weights.c) }
    return NADEState(.rows(a))
  }

  public func nadeNext(
    _ weights: NADEWeights, _ d: Int, _ state: NADEState, into logits: Tensor
  ) {
    guard case .rows(let rows) = state.form else { preconditionFailure("a foreign state") }
    let (hidden, outputs) = (weights.hidden, weights.outputs)
    let h = rows.values.map(weights.units.value)
    for n in 0..<logits.shape[0] {
      for k in 0..<outputs {
        let row = d * outputs + k
        var sum = weights.b.element(row)
        for j in 0..<hidden { sum += weights.v.element(row * hidden + j) * h[n * hidden + j] }
        logits.set(n * outputs + k, to: sum)
      }
    }
  }

  public func nadeObserve(
    _ weights: NADEWeights, _ d: Int, _ x: Tensor, _ state: NADEState
  ) {
    guard case .rows(let rows) = state.form else { preconditionFailure("a foreign state") }
    let hidden = weights.hidden
    for (n, value) in x.values.enumerated() {
      for j in 0..<hidden {
        let place = n * hidden + j
        rows.set(place, to: rows.element(place) + value * weights.w.element(d * hidden + j))
      }
    }
  }
}

/// The sizes of one NADE call: x `[N, D]`, w `[D, H]`, v `[D, K, H]`.
public struct NADESizes: Sendable {
  public let images, dimension, hidden, outputs: Int

  public init(x: Tensor, w: Tensor, v: Tensor) {
    precondition(
      x.shape.rank == 2 && w.shape.rank == 2 && v.shape.rank == 3 && w.shape[0] == x.shape[1]
        && v.shape[0] == x.shape[1] && v.shape[2] == w.shape[1],
      "NADE cannot combine x \(x.shape), W \(w.shape) and V \(v.shape)")
    (images, dimension) = (x.shape[0], x.shape[1])
    (hidden, outputs) = (w.shape[1], v.shape[1])
  }
}
