import Tensors

/// What a recurrent unit does with its sums. With q = U h′ + b of the states h′ before it and its inputs a:
public enum RecurrentCell: String, Sendable, CaseIterable {
  /// h = tanh(a + q) (Elman 1990, doi:10.1207/s15516709cog1402_1).
  case tanh
  /// r, z = σ(a + q), n = tanh(a + r ∘ q), h = (1 − z) ∘ n + z ∘ h′ (Cho et al. 2014, arXiv:1406.1078).
  case gru
  /// i, f, g, o = σ, σ, tanh, σ of (a + q); c = f ∘ c′ + i ∘ g, h = o ∘ tanh(c) (Hochreiter and Schmidhuber
  /// 1997, doi:10.1162/neco.1997.9.8.1735, with the forget gate of Gers et al. 2000,
  /// doi:10.1162/089976600300015015).
  case lstm

  /// Inputs of a unit.
  public var gates: Int {
    switch self {
    case .tanh: 1
    case .gru: 3
    case .lstm: 4
    }
  }
}

/// A recurrent layer: its cell, its units and where they stand.
public struct RecurrenceShape: Sendable {
  public let cell: RecurrentCell
  public let units: Int
  /// Colours to which the units belong, in equal contiguous groups; a position's inputs are
  /// `[groups, gates, units / groups]`.
  public let groups: Int
  public let lattice: Lattice

  public init(_ cell: RecurrentCell, units: Int, groups: Int, _ lattice: Lattice) {
    precondition(units % groups == 0, "\(units) units in \(groups) groups")
    (self.cell, self.units, self.groups, self.lattice) = (cell, units, groups, lattice)
  }

  /// Inputs of a position: gates × units.
  public var inputWidth: Int { cell.gates * units }
  /// What a position sees: the states before it.
  public var stateWidth: Int { lattice.reach * units }
}

/// The arithmetic of recurrent layers: y `[N, positions, units]` of inputs a `[N, positions, gates · units]`.
///
/// A backend that has these kernels conforms; for any other the reference computes them.
public protocol RecurrenceKernels {
  /// U `[gates · units, reach · units]` and b `[gates · units]` as the kernels below read them.
  func prepareRecurrence(
    _ shape: RecurrenceShape, _ u: Tensor, bias: Tensor?, _ precision: Precision
  ) -> RecurrenceWeights
  /// - Parameter keeping: whether there will be a way back, for which it hands out what that needs.
  func recur(
    _ shape: RecurrenceShape, _ a: Tensor, _ weights: RecurrenceWeights, into y: Tensor,
    keeping: Bool
  ) -> RecurrenceRecord?
  /// da of dy, and where the two differ (GRU, else nil) dq, the gradient of U h′ + b.
  func recurGradient(
    _ shape: RecurrenceShape, _ dy: Tensor, _ record: RecurrenceRecord,
    _ weights: RecurrenceWeights, da: Tensor, dq: Tensor?)

  // MARK: One position after the other, the same bits

  func recurrenceState(_ shape: RecurrenceShape, images: Int, _ precision: Precision)
    -> RecurrenceState
  /// The units of some groups at one position: y `[N, units]` of a `[N, gates · units]`.
  func recurNext(
    _ shape: RecurrenceShape, position: Int, groups: Range<Int>, _ a: Tensor,
    _ weights: RecurrenceWeights, _ state: RecurrenceState, into y: Tensor)
}

/// A recurrent matrix as the kernels read it.
public struct RecurrenceWeights: @unchecked Sendable {
  public let u: Tensor
  public let bias: Tensor?
  /// In the kernels' own layout; nil where those read the above.
  public let packed: Tensor?

  public init(u: Tensor, bias: Tensor?, packed: Tensor?) {
    (self.u, self.bias, self.packed) = (u, bias, packed)
  }
}

/// What a pass keeps for its way back, in the backend's own layout.
public struct RecurrenceRecord {
  public let kept: Tensor
  /// Images that were met at once.
  public let imagesAtOnce: Int

  public init(kept: Tensor, imagesAtOnce: Int) {
    (self.kept, self.imagesAtOnce) = (kept, imagesAtOnce)
  }
}

/// The last states of some images, one slot after the other.
public final class RecurrenceState: LayerState {
  public let h: SideBySide
  /// Those of the cells, wide.
  public let c: SideBySide

  public init(h: SideBySide, c: SideBySide) { (self.h, self.c) = (h, c) }

  public func copy(of images: [Int]) -> RecurrenceState {
    RecurrenceState(h: h.copy(of: images), c: c.copy(of: images))
  }
}
