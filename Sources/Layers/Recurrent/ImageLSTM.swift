import Tensors

/// A layer of long short-term memories over the pixels of an image (van den Oord, Kalchbrenner and
/// Kavukcuoglu 2016, arXiv:1601.06759, sections 3.1, 3.2 and 3.4):
///
///     row       inputs 1×3 mask B x → 4h, states 3×1 of the row above
///     diagonal  inputs 1×1 mask B x → 4h, states of the pixel to the left and the one above;
///               and the same from right to left, one row further down, added
///
/// Inputs are masked between colours, and a unit's gates are of its own colour; states are of other pixels
/// and see all of those.
public struct ImageLSTM {
  public enum Kind: String, Sendable, CaseIterable {
    case row, diagonal
  }

  /// The inputs to the gates, and what is made of them.
  struct Direction {
    let inputs: CausalConvolution
    let classes: ClassBias?
    let states: Recurrence

    /// The sums of x that go into the gates.
    func gates(_ x: Variable, of labels: [Int]?, in context: Context) -> Variable {
      context.biased(inputs(x, in: context), by: classes, of: labels)
    }
  }

  let forward: Direction
  /// From right to left: what a pixel gets of it is that of the pixel above, which knows its whole row.
  let backward: Direction?

  /// - Parameters:
  ///   - inputs: channels of x.
  ///   - units: h; a multiple of the colours.
  public init(
    _ kind: Kind, _ inputs: Int, units: Int, colours: Int, height: Int, width: Int,
    at scope: Scope
  ) {
    func direction(reach: Int, _ lattice: () -> Lattice, at scope: Scope) -> Direction {
      Direction(
        inputs: CausalConvolution(
          inputs, 4 * units, size: kind == .row ? 3 : 1, ownRow: kind == .row, centre: .included,
          colours: colours, gain: 0.5.squareRoot(),
          firstBias: RecurrentCell.lstm.firstBias(units: units, groups: colours),
          at: scope / "inputs"),
        classes: ClassBias(4 * units, at: scope / "inputs"),
        states: Recurrence(
          .lstm, units: units, groups: colours, over: lattice, reach: reach, at: scope / "states"))
    }
    switch kind {
    case .row:
      forward = direction(
        reach: 3, { .rows(height: height, width: width) }, at: scope / "down")
      backward = nil
    case .diagonal:
      forward = direction(
        reach: 2, { .diagonals(height: height, width: width, mirrored: false) },
        at: scope / "right")
      backward = direction(
        reach: 2, { .diagonals(height: height, width: width, mirrored: true) }, at: scope / "left")
    }
  }

  /// x `[N, H, W, inputs]` → `[N, H, W, h]`; with a memory the next pixel, `[N, 1, 1, …]`.
  /// - Parameter labels: the class of each image, where the layer is told classes.
  public func callAsFunction(
    _ x: Variable, of labels: [Int]? = nil, in context: Context
  ) -> Variable {
    func states(_ direction: Direction) -> Variable {
      direction.states(direction.gates(x, of: labels, in: context), in: context)
    }
    guard let backward else { return states(forward) }
    // First, for it looks at the row above as it was when that ended.
    let above =
      context.memory.map { rowAbove(backward, x, of: labels, $0, in: context) }
      ?? context.rowAbove(states(backward))
    return context.sum(states(forward), above)
  }

  /// Of the direction from right to left, the states above the next pixel: `[N, 1, 1, h]`. When a row begins
  /// the one above it is known, and gone through; meanwhile the gates' inputs of the next are gathered.
  private func rowAbove(
    _ direction: Direction, _ x: Variable, of labels: [Int]?, _ memory: Memory,
    in context: Context
  ) -> Variable {
    let pixel = memory.pixel(of: memory.known)
    let shape = direction.states.shape
    let rows = memory.state(of: direction.states.weight, 1) {
      Rows(
        inputs: .zeros([memory.width, memory.images, 1, shape.inputWidth], x.value.precision),
        states: .zeros([memory.width, memory.images, 1, shape.units], x.value.precision))
    }
    if context.rowBegins && pixel.row > 0 {
      let state = direction.states.state(memory, in: context, x.value.precision)
      for column in (0..<memory.width).reversed() {
        direction.states.next(
          (pixel.row - 1) * memory.width + column, groups: 0..<shape.groups,
          rows.inputs.rows(column..<column + 1).reshaped([memory.images, shape.inputWidth]), state,
          into: rows.states.rows(column..<column + 1).reshaped([memory.images, shape.units]),
          in: context)
      }
    }
    let place = rows.inputs.rows(pixel.column..<pixel.column + 1)
    place.copy(from: direction.gates(x, of: labels, in: context).value.reshaped(place.shape))
    return Variable(
      rows.states.rows(pixel.column..<pixel.column + 1)
        .reshaped([memory.images, 1, 1, shape.units]))
  }

  /// Of each column of a row: the inputs to the gates of this one so far, the states of the one above.
  private final class Rows: LayerState {
    let inputs: Tensor  // [W, N, 1, 4h]
    let states: Tensor  // [W, N, 1, h]

    init(inputs: Tensor, states: Tensor) { (self.inputs, self.states) = (inputs, states) }

    func copy(of images: [Int]) -> Rows {
      Rows(inputs: inputs.copy(ofImages: images), states: states.copy(ofImages: images))
    }
  }

  private var directions: [Direction] { [forward] + (backward.map { [$0] } ?? []) }
  /// Of one image.
  public var multiplyAdds: Int {
    directions.reduce(0) {
      $0 + $1.states.shape.lattice.positions * $1.inputs.weight.count + $1.states.multiplyAdds
    }
  }
  /// Elements that a training step keeps of an image.
  public var keptElements: Int {
    // The two directions' sum is a layer's output like any other.
    directions.reduce(0) { $0 + $1.states.keptElements }
      + forward.states.shape.lattice.positions * forward.states.shape.units
  }
}
