import Layers
import Tensors
import TestSupport
import Testing

@Suite struct RecurrenceTests {
  static let lattices: [(String, Lattice)] = [
    ("sequence", .sequence(6)), ("rows", .rows(height: 2, width: 3)),
    ("diagonals", .diagonals(height: 3, width: 2, mirrored: false)),
    ("mirrored diagonals", .diagonals(height: 2, width: 3, mirrored: true)),
  ]

  @Test("positions are met once, and after the front that they see", arguments: lattices)
  func order(_ name: String, _ lattice: Lattice) {
    #expect(lattice.order.sorted() == (0..<6).map(UInt32.init))
    var fronts = [Int](repeating: -1, count: lattice.positions)
    for front in 0..<lattice.firsts.count - 1 {
      for index in lattice.firsts[front]..<lattice.firsts[front + 1] {
        let position = Int(lattice.order[Int(index)])
        fronts[position] = front
        for (which, before) in lattice.predecessors(of: position).enumerated() {
          let place = lattice.before[Int(index) * lattice.reach + which]
          guard before >= 0 else {
            #expect(place == -1)
            continue
          }
          #expect(fronts[before] == front - 1)
          #expect(Int(lattice.order[Int(lattice.firsts[front - 1]) + Int(place)]) == before)
        }
      }
    }
  }

  @Test("a row sees the three above, a diagonal the one beside and the one above")
  func predecessors() {
    let rows = Lattice.rows(height: 3, width: 4)
    #expect(rows.predecessors(of: 2) == [-1, -1, -1])
    #expect(rows.predecessors(of: 4) == [-1, 0, 1])
    #expect(rows.predecessors(of: 11) == [6, 7, -1])
    let right = Lattice.diagonals(height: 3, width: 4, mirrored: false)
    #expect(right.predecessors(of: 0) == [-1, -1])
    #expect(right.predecessors(of: 4) == [-1, 0])
    #expect(right.predecessors(of: 7) == [6, 3])
    let left = Lattice.diagonals(height: 3, width: 4, mirrored: true)
    #expect(left.predecessors(of: 3) == [-1, -1])
    #expect(left.predecessors(of: 4) == [5, 0])
    #expect(left.predecessors(of: 7) == [-1, 3])
  }

  @Test(
    "gradients of every cell over every lattice",
    arguments: RecurrentCell.allCases, lattices.indices)
  func gradients(_ cell: RecurrentCell, _ index: Int) {
    let lattice = Self.lattices[index].1
    let a = randomParameter("a", [2, 2, 3, cell.gates * 4])
    let store = ParameterStore(seed: 1, precision: .float64)
    let layer = Recurrence(
      cell, units: 4, groups: cell == .gru ? 1 : 2, over: { lattice }, reach: lattice.reach,
      at: store.root)
    for parameter in store.parameters {
      parameter.value.copy(from: randomTensor(parameter.shape, .float64, parameter.name))
    }
    expectGradients(in: [a] + store.parameters) { context in
      layer(context.variable(a), in: context)
    }
  }

  @Test("an LSTM's forget gates start open, colour by colour; no other bias does")
  func firstBias() {
    let scope = ParameterStore(seed: 1, precision: .float64).root
    let bias = scope.parameter(
      "bias", [16], RecurrentCell.lstm.firstBias(units: 4, groups: 2), decays: false)
    #expect(bias.value.values == [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0])
  }

  @Test func joining() {
    let (a, b) = (randomParameter("a", [2, 1, 3, 2]), randomParameter("b", [2, 1, 3, 1]))
    expectGradients(in: [a, b]) { $0.joined($0.variable(a), $0.variable(b)) }
    let context = Context(.reference)
    let joined = context.joined(context.variable(a), context.variable(b)).value
    #expect(joined.element(4) == a.value.element(3) && joined.element(5) == b.value.element(1))
  }
}
