import Tensors

/// The first layer of an orderless network (Uria, Murray and Larochelle 2014, arXiv:1310.1757, section
/// 3.3): it sees the sub-pixels that are known, and which ones those are,
///
///     h = max(0, W (m ∘ (x − x̄)) + U (m − s k / D) + c),   m_d = 1 where sub-pixel d is known, else 0
///
/// so that what is not yet known is told from what is black. Each further sub-pixel adds two columns to
/// the sum, as in NADE, so an image told one sub-pixel after the other costs O(D H) here.
///
/// These are the functions of W (m ∘ x) + U m + c, placed so that they are learned faster. With x̄, the means
/// of the training images at first, W is told what differs from image to image. With s = 1 − 1/√D the
/// number k of what is known moves the sum √D times as little: it is common to all columns of U, and any
/// step along one of them would have to be small for its sake. And U starts at zero.
public struct KnownInputs {
  /// W and U side by side: `[H, 2 D]`.
  public let weight: Parameter
  /// c, `[H]`.
  public let bias: Parameter
  /// x̄, `[D]`, 0…1.
  public let means: Parameter
  /// What is added to c of each class, in a model of classes.
  let classes: ClassBias?

  public init(_ dimension: Int, _ units: Int, at scope: Scope) {
    // Half of the inputs are known, and deviate from their means by a third.
    weight = scope.parameter(
      "weight", [units, 2 * dimension],
      .he(fanIn: dimension, gain: 3, columns: dimension), decays: true)
    bias = scope.parameter("bias", [units], .zeros, decays: false)
    means = scope.parameter("means", [dimension], .zeros, decays: false)
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
      context.cast(
        context.known(x, context.variable(means), masks: masks), to: context.precision),
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
      let columns = context.prepared.form("columns", of: weight) { whatIsAdded }
      state.add(
        known: columns.rows(dimension + subpixel..<dimension + subpixel + 1),
        columns.rows(subpixel..<subpixel + 1), times: x)
    }
    return state.rectified
  }

  /// `[2 D, H]`: what a known sub-pixel adds to the sums for each unit of its intensity, and what else it
  /// adds. W_d, and U_d − s mean U − x̄_d W_d.
  private var whatIsAdded: Tensor {
    let (d, h) = (dimension, units)
    let (rows, means) = (weight.value.values, means.value.values)
    var columns = [Double](repeating: 0, count: rows.count)
    for unit in 0..<h {
      let row = rows[unit * 2 * d..<(unit + 1) * 2 * d]
      let common = row.suffix(d).reduce(0, +) / Double(d) * commonShare(of: d)
      for place in 0..<d {
        let w = row[row.startIndex + place]
        columns[place * h + unit] = w
        columns[(d + place) * h + unit] =
          row[row.startIndex + d + place] - common - means[place] * w
      }
    }
    return Tensor([2 * d, h], weight.value.precision, values: columns)
  }
}

/// s, the share of the number of known sub-pixels that each entry of a mask goes without.
func commonShare(of dimension: Int) -> Double { 1 - 1 / Double(dimension).squareRoot() }

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
