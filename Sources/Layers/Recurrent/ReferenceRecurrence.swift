import Foundation
import Tensors

extension ReferenceBackend: RecurrenceKernels {
  public func prepareRecurrence(
    _ shape: RecurrenceShape, _ u: Tensor, bias: Tensor?, _ precision: Precision
  ) -> RecurrenceWeights {
    RecurrenceWeights(u: u, bias: bias, packed: nil)
  }

  public func recur(
    _ shape: RecurrenceShape, _ a: Tensor, _ weights: RecurrenceWeights, into y: Tensor,
    keeping: Bool
  ) -> RecurrenceRecord? {
    y.write(Pass(shape, a, weights).units.flatMap { $0.flatMap(\.h) })
    // All but the inputs is computed again.
    return keeping ? RecurrenceRecord(kept: a, imagesAtOnce: a.shape[0]) : nil
  }

  public func recurGradient(
    _ shape: RecurrenceShape, _ dy: Tensor, _ record: RecurrenceRecord,
    _ weights: RecurrenceWeights, da: Tensor, dq: Tensor?
  ) {
    let pass = Pass(shape, record.kept, weights)
    let (units, width, u) = (shape.units, shape.inputWidth, weights.u.values)
    let incoming = dy.values
    var (ofA, ofQ) = (
      [Double](repeating: 0, count: da.count), [Double](repeating: 0, count: da.count)
    )
    for n in pass.units.indices {
      let none = [Double](repeating: 0, count: shape.lattice.positions * units)
      var (dh, dc) = (none, none)
      for position in shape.lattice.order.reversed().map(Int.init) {
        let first = (n * shape.lattice.positions + position) * width
        let predecessors = shape.lattice.predecessors(of: position)
        for unit in 0..<units {
          let place = position * units + unit
          dh[place] += incoming[n * shape.lattice.positions * units + place]
          let rows = (0..<shape.cell.gates).map { shape.row(of: unit, gate: $0) }
          let slopes = shape.cell.gradient(
            pass.units[n][position].cells[unit], dh: dh[place], dc: dc[place])
          for (gate, row) in rows.enumerated() {
            ofA[first + row] = slopes.a[gate]
            ofQ[first + row] = slopes.q[gate]
          }
          let carried = predecessors[shape.lattice.carried]
          if carried >= 0 { dc[carried * units + unit] += slopes.before }
        }
        for (which, before) in predecessors.enumerated() where before >= 0 {
          for unit in 0..<units {
            let column = which * units + unit
            for row in 0..<width {
              dh[before * units + unit] += u[row * shape.stateWidth + column] * ofQ[first + row]
            }
          }
        }
      }
    }
    da.write(ofA)
    dq?.write(ofQ)
  }

  public func recurrenceState(_ shape: RecurrenceShape, images: Int, _ precision: Precision)
    -> RecurrenceState
  {
    let elements = shape.lattice.slots * shape.units
    return RecurrenceState(
      h: .zeros(elements: elements, images: images, precision),
      c: .zeros(elements: elements, images: images, precision))
  }

  public func recurNext(
    _ shape: RecurrenceShape, position: Int, groups: Range<Int>, _ a: Tensor,
    _ weights: RecurrenceWeights, _ state: RecurrenceState, into y: Tensor
  ) {
    let (lattice, units) = (shape.lattice, shape.units)
    let (inputs, lanes) = (a.values, state.h.lanes)
    let own = lattice.slot(of: position)
    let slots = lattice.predecessors(of: position).map { $0 < 0 ? nil : lattice.slot(of: $0) }
    func kept(_ x: SideBySide, _ slot: Int?, _ n: Int) -> [Double] {
      (0..<units).map { unit in
        slot.map { x.values.element(($0 * units + unit) * lanes + n) } ?? 0
      }
    }
    for n in 0..<a.shape[0] {
      let seen = slots.flatMap { kept(state.h, $0, n) }
      let before = kept(state.c, slots[lattice.carried], n)
      let each = units / shape.groups
      for unit in groups.lowerBound * each..<groups.upperBound * each {
        let cell = shape.cell(
          unit, Array(inputs[n * shape.inputWidth..<(n + 1) * shape.inputWidth]), seen,
          before[unit], weights)
        state.h.values.set((own * units + unit) * lanes + n, to: cell.h)
        state.c.values.set((own * units + unit) * lanes + n, to: cell.c)
        y.set(n * units + unit, to: cell.h)
      }
    }
  }
}

/// One unit at one position: what it was made of and what it is.
private struct Cell {
  let a: [Double]
  let q: [Double]
  let before: Double
  let c: Double
  let h: Double
}

/// All units of all images, position by position.
private struct Pass {
  struct Position {
    var cells: [Cell] = []
    var h: [Double] { cells.map(\.h) }
  }
  /// By image and position.
  private(set) var units: [[Position]]

  init(_ shape: RecurrenceShape, _ a: Tensor, _ weights: RecurrenceWeights) {
    let (lattice, width, inputs) = (shape.lattice, shape.inputWidth, a.values)
    let none = [Double](repeating: 0, count: shape.units)
    units = (0..<a.shape[0]).map { n in
      var positions = [Position](repeating: Position(), count: lattice.positions)
      for position in lattice.order.map(Int.init) {
        let predecessors = lattice.predecessors(of: position)
        let seen = predecessors.flatMap { $0 < 0 ? none : positions[$0].h }
        let carried = predecessors[lattice.carried]
        let first = (n * lattice.positions + position) * width
        let own = Array(inputs[first..<first + width])
        positions[position].cells = (0..<shape.units).map { unit in
          shape.cell(
            unit, own, seen, carried < 0 ? 0 : positions[carried].cells[unit].c, weights)
        }
      }
      return positions
    }
  }
}

extension RecurrenceShape {
  /// The row of U, and the place in a position's inputs, of a unit's gate.
  fileprivate func row(of unit: Int, gate: Int) -> Int {
    let each = units / groups
    return (unit / each * cell.gates + gate) * each + unit % each
  }

  /// - Parameters:
  ///   - a: the inputs of the position.
  ///   - seen: the states before it, side by side.
  fileprivate func cell(
    _ unit: Int, _ a: [Double], _ seen: [Double], _ before: Double, _ weights: RecurrenceWeights
  ) -> Cell {
    let rows = (0..<cell.gates).map { row(of: unit, gate: $0) }
    let q = rows.map { row in
      seen.indices.reduce(weights.bias?.element(row) ?? 0) {
        $0 + weights.u.element(row * seen.count + $1) * seen[$1]
      }
    }
    let own = rows.map { a[$0] }
    let (c, h) = cell.value(own, q, before)
    return Cell(a: own, q: q, before: before, c: c, h: h)
  }
}

extension RecurrentCell {
  private var sigmoid: (Double) -> Double { Activation.sigmoid.value }

  fileprivate func value(_ a: [Double], _ q: [Double], _ before: Double) -> (c: Double, h: Double) {
    switch self {
    case .tanh:
      return (0, Foundation.tanh(a[0] + q[0]))
    case .gru:
      let (reset, update) = (sigmoid(a[0] + q[0]), sigmoid(a[1] + q[1]))
      let new = Foundation.tanh(a[2] + reset * q[2])
      let state = (1 - update) * new + update * before
      return (state, state)
    case .lstm:
      let new = Foundation.tanh(a[2] + q[2])
      let state = sigmoid(a[1] + q[1]) * before + sigmoid(a[0] + q[0]) * new
      return (state, sigmoid(a[3] + q[3]) * Foundation.tanh(state))
    }
  }

  /// The gradients of a cell's a, q and c before it.
  fileprivate func gradient(_ cell: Cell, dh: Double, dc: Double)
    -> (a: [Double], q: [Double], before: Double)
  {
    let (a, q) = (cell.a, cell.q)
    switch self {
    case .tanh:
      let slope = dh * (1 - cell.h * cell.h)
      return ([slope], [slope], 0)
    case .gru:
      let (reset, update) = (sigmoid(a[0] + q[0]), sigmoid(a[1] + q[1]))
      let new = Foundation.tanh(a[2] + reset * q[2])
      let d = dh + dc
      let dnew = d * (1 - update) * (1 - new * new)
      let gates = [
        dnew * q[2] * reset * (1 - reset), d * (cell.before - new) * update * (1 - update),
      ]
      return (gates + [dnew], gates + [dnew * reset], d * update)
    case .lstm:
      let (input, forget) = (sigmoid(a[0] + q[0]), sigmoid(a[1] + q[1]))
      let (new, output) = (Foundation.tanh(a[2] + q[2]), sigmoid(a[3] + q[3]))
      let told = Foundation.tanh(cell.c)
      let d = dc + dh * output * (1 - told * told)
      let slopes = [
        d * new * input * (1 - input), d * cell.before * forget * (1 - forget),
        d * input * (1 - new * new), dh * told * output * (1 - output),
      ]
      return (slopes, slopes, d * forget)
    }
  }
}
