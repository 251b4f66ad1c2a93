import Tensors

/// A learned vector for each place, the sum of its row's, its column's and its step's within the pixel,
/// and at the first place that of the start.
///
/// The vectors are the columns of one matrix: rows, columns, steps, start.
public struct Positions {
  public let weight: Parameter  // [channels, rows + columns + steps + 1]
  /// Which vectors meet at a place: `[places, rows + columns + steps + 1]`.
  private let places: Tensor

  /// - Parameter steps: positions of a pixel.
  public init(rows: Int, columns: Int, steps: Int, channels: Int, at scope: Scope) {
    let vectors = rows + columns + steps + 1
    weight = scope.parameter("weight", [channels, vectors], .uniform(bound: 0.1), decays: false)
    places = .zeros(
      [scope.isMeasuring ? 0 : rows * columns * steps, vectors], scope.precision)
    for place in 0..<places.shape[0] {
      let (row, column) = (place / (columns * steps), place / steps % columns)
      for vector in [row, rows + column, rows + columns + place % steps] {
        places.set(place * vectors + vector, to: 1)
      }
      if place == 0 { places.set(vectors - 1, to: 1) }
    }
  }

  /// x `[N, …, channels]` plus the vectors of all places, or of the next one.
  /// - Parameter place: the next one, where there is a memory.
  public func callAsFunction(_ x: Variable, place: Int?, in context: Context) -> Variable {
    guard context.tape == nil else {
      let vectors = context.linear(Variable(places), context.variable(weight), nil)
      return context.adding(vectors, toEach: x)
    }
    let vectors = context.prepared.form("places \(x.value.precision)", of: weight) {
      let vectors = context.linear(Variable(places), Variable(weight.value), nil)
      return Form(tensor: context.converted(vectors.value, to: x.value.precision))
    }.tensor
    return context.adding(Variable(place.map { vectors.rows($0..<$0 + 1) } ?? vectors), toEach: x)
  }

  private struct Form: Sendable {
    let tensor: Tensor
  }
}

extension Context {
  /// x[n] + y for every n: y has as many elements as an x[n].
  func adding(_ y: Variable, toEach x: Variable) -> Variable {
    let (images, each) = (x.shape[0], y.value.count)
    precondition(x.value.count == images * each, "cannot add \(y.shape) to each of \(x.shape)")
    let addend = converted(y.value, to: x.value.precision).reshaped([1, each])
    let sum = Tensor([images, each], x.value.precision)
    sum.copy(from: x.value.reshaped(sum.shape))
    for n in 0..<images { backend.add(addend, into: sum.rows(n..<n + 1)) }
    return record(sum.reshaped(x.shape), from: [x, y]) { [self] dy, gradients in
      let total = Tensor(y.shape, wide)
      backend.sumOfRows(dy.reshaped([images, each]), into: total)
      gradients.add(total, to: y.slot)
      gradients.add(dy, to: x.slot)
    }
  }

  /// What was known before each step: x `[N, steps, …]` moved on by one, with zeros before the first.
  public func before(_ x: Variable) -> Variable {
    func moved(_ x: Tensor, by steps: Int) -> Tensor {
      let (images, row) = (x.shape[0], x.byteCount / x.shape[0])
      let y = Tensor.zeros(x.shape, x.precision)
      let shift = row / x.shape[1]
      for n in 0..<images {
        (y.pointer + n * row + max(steps, 0) * shift).copyMemory(
          from: x.pointer + n * row + max(-steps, 0) * shift, byteCount: row - shift)
      }
      return y
    }
    return record(moved(x.value, by: 1), from: [x]) { dy, gradients in
      gradients.add(moved(dy, by: -1), to: x.slot)
    }
  }
}
