import Tensors

/// The first layer of an orderless network (Uria, Murray and Larochelle 2014, arXiv:1310.1757, section
/// 3.3): it sees the sub-pixels that are known, and which ones those are,
///
///     h = max(0, W (m ∘ x) + U m + c),   m_d = 1 where sub-pixel d is known, else 0
///
/// so that what is not yet known is told from what is black. Each further sub-pixel adds two columns to
/// the sum, as in NADE, so an image told one sub-pixel after the other costs O(D H) here.
public struct KnownInputs {
  /// W and U side by side: `[H, 2 D]`.
  public let weight: Parameter
  /// c, `[H]`.
  public let bias: Parameter
  /// What is added to c of each class, in a model of classes.
  let classes: ClassBias?

  public init(_ dimension: Int, _ units: Int, at scope: Scope) {
    // About half of the inputs and half of the mask are zero.
    weight = scope.parameter("weight", [units, 2 * dimension], .he(fanIn: dimension), decays: true)
    bias = scope.parameter("bias", [units], .zeros, decays: false)
    classes = ClassBias(units, at: scope)
  }

  private var dimension: Int { weight.shape[1] / 2 }
  private var units: Int { weight.shape[0] }

  /// Of x `[N, D]` as far as each of R masks `[N, R, D]` tells it: `[N R, H]`.
  /// - Parameter labels: the class of each image, in a model of classes.
  public func callAsFunction(
    _ x: Variable, masks: Tensor, of labels: [Int]? = nil, in context: Context
  ) -> Variable {
    let y = context.linear(
      context.cast(context.known(x, masks: masks), to: context.precision),
      context.variable(weight), context.variable(bias),
      activation: classes == nil ? .relu : .identity, precision: context.precision)
    return classes.map { context.activate(.relu, context.biased(y, by: $0, of: labels)) } ?? y
  }

  /// Of images that the context remembers, after the intensities x `[N]` of one more sub-pixel each have
  /// become known, or none before the first.
  /// - Parameter labels: the class of each image, in a model of classes.
  public func next(
    _ x: Tensor?, of subpixel: Int, classes labels: [Int]? = nil, in context: Context
  ) -> SideBySide {
    guard let memory = context.memory else { preconditionFailure("the next step of what?") }
    let state = memory.state(of: weight) {
      RunningSum(
        bias.value,
        startingAt: classes?.sideBySide(Array(0..<units), of: labels, in: context)
          ?? .zeros(elements: units, images: memory.images, context.wide))
    }
    if let x {
      let columns = context.prepared.form("columns", of: weight) {
        weight.value.permutedToColumns()
      }
      state.add(
        known: columns.rows(dimension + subpixel..<dimension + subpixel + 1),
        columns.rows(subpixel..<subpixel + 1), times: x)
    }
    return state.rectified
  }
}

/// Σ so far of each unit of some images, side by side.
final class RunningSum: LayerState {
  private let sums: SideBySide

  private init(_ sums: SideBySide) { self.sums = sums }

  /// - Parameter first: to which it adds the bias.
  init(_ bias: Tensor, startingAt first: SideBySide) {
    sums = first
    switch sums.precision {
    case .float64: add(Double.self, known: bias, bias, times: nil)
    default: add(Float.self, known: bias, bias, times: nil)
    }
  }

  func copy(of images: [Int]) -> RunningSum { RunningSum(sums.copy(of: images)) }

  /// sums += u + w x, u and w `[H]`, x `[N]`.
  func add(known u: Tensor, _ w: Tensor, times x: Tensor) {
    switch sums.precision {
    case .float64: add(Double.self, known: u, w, times: x)
    default: add(Float.self, known: u, w, times: x)
    }
  }

  private func add<Element: BinaryFloatingPoint>(
    _: Element.Type, known u: Tensor, _ w: Tensor, times x: Tensor?
  ) {
    let lanes = sums.lanes
    var inputs = [Element](repeating: 0, count: lanes)
    if let x {
      x.withBytes { bytes in
        for (n, value) in bytes.bindMemory(to: Element.self).enumerated() { inputs[n] = value }
      }
    }
    sums.values.withMutableBytes { bytes in
      let sums = bytes.bindMemory(to: Element.self).baseAddress!
      u.withBytes { u in
        w.withBytes { w in
          let (u, w) = (u.bindMemory(to: Element.self), w.bindMemory(to: Element.self))
          inputs.withUnsafeBufferPointer { inputs in
            for unit in u.indices {
              let row = sums + unit * lanes
              let (known, weight) = (u[unit], w[unit])
              for n in 0..<lanes { row[n] += known + weight * inputs[n] }
            }
          }
        }
      }
    }
  }

  /// max(0, sums), a copy.
  var rectified: SideBySide {
    let y = SideBySide(elements: sums.elements, images: sums.images, sums.precision)
    switch sums.precision {
    case .float64: rectify(Double.self, into: y.values)
    default: rectify(Float.self, into: y.values)
    }
    return y
  }

  private func rectify<Element: BinaryFloatingPoint>(_: Element.Type, into y: Tensor) {
    sums.values.withBytes { sums in
      y.withMutableBytes { y in
        let sums = sums.bindMemory(to: Element.self)
        let y = y.bindMemory(to: Element.self)
        // NaN stays NaN: weights that overflowed must show.
        for i in sums.indices { y[i] = sums[i] < 0 ? 0 : sums[i] }
      }
    }
  }
}

extension Tensor {
  /// The columns of a matrix `[rows, columns]` as rows.
  fileprivate func permutedToColumns() -> Tensor {
    let (rows, columns) = (shape[0], shape[1])
    let result = Tensor([columns, rows], precision)
    let size = precision.byteCount
    withBytes { from in
      result.withMutableBytes { to in
        for row in 0..<rows {
          for column in 0..<columns {
            (to.baseAddress! + (column * rows + row) * size).copyMemory(
              from: from.baseAddress! + (row * columns + column) * size, byteCount: size)
          }
        }
      }
    }
    return result
  }
}
