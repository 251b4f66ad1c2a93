import Foundation
import Randomness
import Tensors

/// The parameters of one model in the order of their making.
public final class ParameterStore {
  public private(set) var parameters: [Parameter] = []
  /// float32, or float64 for gradient checks.
  public let precision: Precision
  fileprivate let seed: UInt64
  private var names: Set<String> = []
  /// Where parameters of the same name take their first values, instead of drawing them.
  fileprivate let originals: [String: Parameter]
  /// Whether parameters are only counted: a model made here has no weights and cannot run.
  fileprivate let isMeasuring: Bool
  /// Elements of all parameters, live or not; `Int.max` where they cannot be counted.
  public private(set) var elementCount = 0
  /// Whether any are kernels of a convolution, `[O, I, height, width]`.
  public private(set) var hasKernels = false

  public init(seed: UInt64, precision: Precision = .float32) {
    self.seed = seed
    self.precision = precision
    originals = [:]
    isMeasuring = false
  }

  private init() {
    (seed, precision, originals, isMeasuring) = (0, .float32, [:], true)
  }

  /// A store that only counts, for the size of a model that may be too large to be made.
  public static func measuring() -> ParameterStore { ParameterStore() }

  /// A store for a second model like one that has been made: its parameters start at the same values.
  public init(copying store: ParameterStore) {
    seed = store.seed
    precision = store.precision
    originals = Dictionary(uniqueKeysWithValues: store.parameters.map { ($0.name, $0) })
    isMeasuring = false
  }

  /// The place where the model's own parameters go.
  public var root: Scope { Scope(store: self, path: "", classes: 0) }

  fileprivate func count(_ shape: Shape) {
    if shape.rank == 4 { hasKernels = true }
    elementCount = shape.sides.reduce(1) { product, side in
      let (next, overflows) = product.multipliedReportingOverflow(by: side)
      return overflows ? .max : next
    }.addingSaturated(elementCount)
  }

  fileprivate func insert(_ parameter: Parameter) {
    precondition(
      names.insert(parameter.name).inserted, "two parameters are called \(parameter.name)")
    parameters.append(parameter)
  }
}

/// How a parameter starts.
public enum Initialisation: Sendable {
  case zeros
  case ones
  /// Uniform in −bound … bound.
  case uniform(bound: Double)
  /// These values.
  case given([Double])
  /// Normal of variance 2 / fanIn (He et al. 2015, doi:10.1109/ICCV.2015.123), for what a ReLU
  /// follows; `gain` multiplies the standard deviation. Of a matrix perhaps its first columns alone: then
  /// the others are zeros.
  case he(fanIn: Int, gain: Double = 1, columns: Int? = nil)
}

/// A named place in a parameter store: `Linear(784, 500, at: scope / "hidden")`.
public struct Scope {
  let store: ParameterStore
  let path: String
  /// Classes that the model's layers are told; 0: none.
  public let classes: Int

  public static func / (scope: Scope, name: String) -> Scope {
    Scope(
      store: scope.store, path: scope.path.isEmpty ? name : "\(scope.path)/\(name)",
      classes: scope.classes)
  }

  /// The same place in a model that is told so many classes.
  public func told(classes: Int) -> Scope { Scope(store: store, path: path, classes: classes) }

  public var precision: Precision { store.precision }
  /// Whether parameters are only counted here.
  public var isMeasuring: Bool { store.isMeasuring }

  /// Makes a parameter here. Its first values depend on the seed and its path alone; masked elements
  /// start, and stay, at zero.
  public func parameter(
    _ name: String, _ shape: Shape, _ initialisation: Initialisation, mask: Tensor? = nil,
    decays: Bool, learns: Bool = true
  ) -> Parameter {
    let path = (self / name).path
    store.count(shape)
    guard !store.isMeasuring else {
      return Parameter(
        name: path, value: Tensor([0], store.precision), decays: decays, learns: learns)
    }
    var random = RandomStream(seed: store.seed, "parameter/\(path)")
    let value = Tensor(shape, store.precision)
    func fill(_ draw: () -> Double) {
      for i in 0..<shape.count {
        let x = draw()
        value.set(i, to: mask.map { $0.element(i) * x } ?? x)
      }
    }
    if let original = store.originals[path] {
      value.copy(from: original.value)
    } else {
      switch initialisation {
      case .zeros: value.clear()
      case .ones: fill { 1 }
      case .given(let values): value.write(values)
      case .uniform(let bound): fill { (2 * random.uniform() - 1) * bound }
      case .he(let fanIn, let gain, let columns):
        let deviation = gain * (2 / Double(max(1, fanIn))).squareRoot()
        fill { deviation * random.normal() }
        if let columns {
          for i in 0..<shape.count where i % shape[1] >= columns { value.set(i, to: 0) }
        }
      }
    }
    let parameter = Parameter(name: path, value: value, mask: mask, decays: decays, learns: learns)
    store.insert(parameter)
    return parameter
  }
}

extension Int {
  /// The sum, or `Int.max`.
  fileprivate func addingSaturated(_ other: Int) -> Int {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? .max : sum
  }
}
