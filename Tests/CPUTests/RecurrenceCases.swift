import Layers
import Tensors
import TestSupport

extension KernelCase {
  /// Images, units, groups and lattices: more images than are met at once, odd counts of units, of which two
  /// share a word, whole vectors and not.
  private static let sizes: [(images: Int, units: Int, groups: Int, what: String, Lattice)] = [
    (1, 1, 1, "a position", .sequence(1)), (3, 5, 1, "a sequence of 37", .sequence(37)),
    (50, 16, 1, "a sequence of 5", .sequence(5)), (2, 33, 1, "a sequence of 9", .sequence(9)),
    (3, 6, 3, "rows of 3x5", .rows(height: 3, width: 5)),
    (70, 4, 1, "rows of 2x3", .rows(height: 2, width: 3)),
    (3, 16, 2, "diagonals of 4x3", .diagonals(height: 4, width: 3, mirrored: false)),
    (5, 9, 3, "diagonals to the left of 3x6", .diagonals(height: 3, width: 6, mirrored: true)),
  ]

  /// Small enough that a rounding does not grow from step to step; an eighth of what bfloat16 holds is in it.
  private static func recurrent(_ shape: RecurrenceShape, _ arguments: Arguments) -> Tensor {
    let sides: Shape = [shape.inputWidth, shape.stateWidth]
    let whole = Tensor(
      sides, arguments.precision, values: randomTensor(sides, .float64, "u").values)
    return arguments.given(sides, whole.values.map { $0 / 8 }, .float32)
  }

  static let recurrences: [KernelCase] = [Precision.float32, .bfloat16].flatMap { precision in
    sizes.flatMap { images, units, groups, what, lattice in
      RecurrentCell.allCases.flatMap { cell in
        let shape = RecurrenceShape(cell, units: units, groups: groups, lattice)
        let what = "\(cell) of \(images)x\(units) in \(groups) over \(what)"
        let inputs: Shape = [images, 1, lattice.positions, shape.inputWidth]
        let states: Shape = [images, 1, lattice.positions, units]
        @Sendable func forward(
          _ backend: any Backend, _ arguments: Arguments, keeping: Bool
        ) -> (RecurrenceWeights, RecurrenceRecord?, y: Tensor) {
          let kernels = backend as! any RecurrenceKernels
          let y = arguments.result(states)
          let weights = kernels.prepareRecurrence(
            shape, recurrent(shape, arguments),
            bias: cell == .gru
              ? arguments.random([shape.inputWidth], "bias", .float32) : nil,
            arguments.forReference ? .float64 : arguments.precision)
          let record = kernels.recur(
            shape, arguments.random(inputs, "a", scale: 2), weights, into: y, keeping: keeping)
          return (weights, record, y)
        }
        return [
          KernelCase(what, precision, roundings: 8, terms: 0.1) { backend, arguments in
            [forward(backend, arguments, keeping: false).y]
          },
          KernelCase("gradient of \(what)", precision, roundings: 16, terms: 0.1) {
            backend, arguments in
            let (weights, record, _) = forward(backend, arguments, keeping: true)
            let da = arguments.result(inputs)
            let dq = cell == .gru ? arguments.result(inputs) : nil
            (backend as! any RecurrenceKernels).recurGradient(
              shape, arguments.random(states, "dy"), record!, weights, da: da, dq: dq)
            return [da] + (dq.map { [$0] } ?? [])
          },
        ]
      }
    }
  }
}
