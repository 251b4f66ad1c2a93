import Tensors

/// A convolution that sees only sub-pixels before its own in raster order (van den Oord et al. 2016,
/// arXiv:1601.06759, section 3.4).
///
/// Peers multiply a full kernel by a mask and pay for the zeros; here the rows below the centre are
/// cropped away, so a 3×3 kernel is 2×3 and a 7×7 one 4×7. What is left of the mask (right of the
/// centre, and between colours at the centre) is held at zero.
///
/// Feature channels belong to colours in equal contiguous groups: channel i of n to colour
/// ⌊i · colours / n⌋.
public struct CausalConvolution {
  /// What the output may see of its own pixel.
  public enum Centre: Sendable {
    /// Earlier colours only: "mask A", for the first layer.
    case excluded
    /// Earlier colours and its own: "mask B".
    case included
  }

  public let weight: Parameter
  public let bias: Parameter
  let geometry: ConvolutionGeometry

  /// - Parameters:
  ///   - size: the side of the uncropped kernel, odd.
  ///   - constants: channels that follow the inputs and are the same for every image; all taps of
  ///     them are open.
  public init(
    _ inputs: Int, _ outputs: Int, size: Int, centre: Centre, colours: Int, constants: Int = 0,
    gain: Double = 1, at scope: Scope
  ) {
    precondition(size % 2 == 1, "a causal kernel has a centre: its side is odd, found \(size)")
    let reach = size / 2
    // Right of the centre nothing is seen, and the centre itself by what may see its own pixel.
    let seesCentre = centre == .included || colours > 1
    geometry = ConvolutionGeometry(
      height: reach + 1, width: size, top: reach, bottom: 0, left: reach, right: reach,
      lastRow: constants > 0 ? size : max(1, seesCentre ? reach + 1 : reach))
    let mask = Self.mask(
      inputs, outputs, reach: reach, centre: centre, colours: colours, constants: constants,
      scope.precision)
    let live = mask.values.reduce(0, +)
    weight = scope.parameter(
      "weight", mask.shape, .he(fanIn: Int(live) / outputs, gain: gain),
      mask: live == Double(mask.count) ? nil : mask, decays: true)
    bias = scope.parameter("bias", [outputs], .zeros, decays: false)
  }

  /// 1 where output channel o may see input channel i at a tap: `[O, I, reach + 1, 2 reach + 1]`.
  static func mask(
    _ inputs: Int, _ outputs: Int, reach: Int, centre: Centre, colours: Int, constants: Int,
    _ precision: Precision
  ) -> Tensor {
    var ones: [Double] = []
    for o in 0..<outputs {
      for i in 0..<inputs + constants {
        let (from, to) = (i * colours / inputs, o * colours / outputs)
        for row in 0...reach {
          for column in 0..<(2 * reach + 1) {
            let seen =
              i >= inputs || row < reach || column < reach
              || (column == reach && (from < to || (from == to && centre == .included)))
            ones.append(seen ? 1 : 0)
          }
        }
      }
    }
    return Tensor(
      [outputs, inputs + constants, reach + 1, 2 * reach + 1], precision, values: ones)
  }

  /// x ⋆ W + b (+ residual): `[N, H, W, inputs]` → `[N, H, W, outputs]`, x taken as max(x, 0) where
  /// rectified.
  public func callAsFunction(
    _ x: Variable, rectified: Bool = false, adding residual: Variable? = nil,
    precision: Precision? = nil, in context: Context
  ) -> Variable {
    context.convolution(
      x, rectified: rectified, context.variable(weight), context.variable(bias), geometry,
      adding: residual, precision: precision)
  }
}
