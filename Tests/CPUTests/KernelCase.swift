import Tensors
import TestSupport
import Testing

/// Where a kernel's arguments come from: the fast backend gets them in its own precision, the
/// reference the same numbers, rounding included, in double.
final class Arguments {
  /// The precision of activations under the fast backend.
  let precision: Precision
  let forReference: Bool
  /// Each tensor's memory with a margin on both sides, where no kernel may write.
  private var guarded: [Tensor] = []
  private static let margin = 128

  init(_ precision: Precision, forReference: Bool) {
    self.precision = precision
    self.forReference = forReference
  }

  /// Whether all margins are as they were.
  var marginsAreWhole: Bool {
    guarded.allSatisfy { tensor in
      let inner = tensor.count - Self.margin
      return tensor.rows(0..<Self.margin).values.allSatisfy { $0 == -1 }
        && tensor.rows(inner..<tensor.count).values.allSatisfy { $0 == -1 }
    }
  }

  /// Given numbers, in the precision of activations unless said otherwise.
  func given(_ shape: Shape, _ values: [Double], _ precision: Precision? = nil) -> Tensor {
    let precision = precision ?? self.precision
    if forReference {
      return Tensor(shape, .float64, values: Tensor(shape, precision, values: values).values)
    }
    let margin = [Double](repeating: -1, count: Self.margin)
    let whole = Tensor(
      [values.count + 2 * Self.margin], precision, values: margin + values + margin)
    guarded.append(whole)
    return whole.rows(Self.margin..<Self.margin + values.count).reshaped(shape)
  }

  /// Activations: draws from −scale … scale.
  func random(
    _ shape: Shape, _ name: String, scale: Double = 1, _ precision: Precision? = nil
  ) -> Tensor {
    given(shape, randomTensor(shape, .float64, name).values.map { scale * $0 }, precision)
  }

  /// float32 numbers that a copy in the precision of activations does not change.
  func weights(_ shape: Shape, _ name: String) -> Tensor {
    given(
      shape, Tensor(shape, precision, values: randomTensor(shape, .float64, name).values).values,
      .float32)
  }

  /// Where a result goes. It starts as not a number, so that an element never written shows.
  func result(_ shape: Shape, _ precision: Precision? = nil) -> Tensor {
    given(shape, [Double](repeating: .nan, count: shape.count), precision)
  }
}

/// One call of one kernel, for any backend.
struct KernelCase: Sendable, CustomTestStringConvertible {
  let name: String
  let precision: Precision
  /// How often a bfloat16 result may have been rounded on its way.
  let roundings: Int
  /// The size of what a result is the sum of, where so much of it cancels that the result's own says
  /// nothing of its rounding.
  let terms: Double
  /// Makes the arguments, runs the kernel and hands back what it wrote.
  let run: @Sendable (any Backend, Arguments) -> [Tensor]

  var testDescription: String { "\(name), \(precision)" }

  init(
    _ name: String, _ precision: Precision = .float32, roundings: Int = 1,
    terms: Double = 1e-30, _ run: @escaping @Sendable (any Backend, Arguments) -> [Tensor]
  ) {
    self.name = name
    self.precision = precision
    self.roundings = roundings
    self.terms = terms
    self.run = run
  }

  func run(_ backend: any Backend) -> [Tensor] {
    let arguments = Arguments(precision, forReference: backend is ReferenceBackend)
    let results = run(backend, arguments)
    #expect(arguments.marginsAreWhole, "\(name) wrote beside a tensor")
    return results
  }

  static let all =
    pointwise + linear + convolutions + nade + gated + attention + normalisation + recurrences
    + likelihoods + mixtures + optimiser + muon + staircases + classes
}
