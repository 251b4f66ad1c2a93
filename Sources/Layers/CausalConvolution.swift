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
public final class CausalConvolution {
  /// What the output may see of its own pixel.
  public enum Centre: Sendable {
    /// Earlier colours only: "mask A", for the first layer.
    case excluded
    /// Earlier colours and its own: "mask B".
    case included
    /// Nothing of its own row, and all of those above: the first layer of a vertical stack.
    case rowsAbove
  }

  public let weight: Parameter
  public let bias: Parameter
  let geometry: ConvolutionGeometry
  let colours: Int
  /// Whether its input is the image itself.
  private let ofImage: Bool

  /// - Parameters:
  ///   - size: the side of the uncropped kernel, odd.
  ///   - ownRow: whether it sees nothing but its own row.
  ///   - constants: channels that follow the inputs and are the same for every image; all taps of
  ///     them are open.
  ///   - firstBias: how the bias starts.
  public init(
    _ inputs: Int, _ outputs: Int, size: Int, ownRow: Bool = false, centre: Centre, colours: Int,
    constants: Int = 0, gain: Double = 1, firstBias: Initialisation = .zeros, at scope: Scope
  ) {
    precondition(size % 2 == 1, "a causal kernel has a centre: its side is odd, found \(size)")
    self.colours = colours
    ofImage = centre != .included
    let reach = size / 2
    let (above, width) = ownRow ? (0, reach + 1) : (reach, size)
    // Right of the centre nothing is seen, and the centre itself by what may see its own pixel.
    let seesCentre = centre == .included || centre == .excluded && colours > 1
    let seen = centre == .rowsAbove ? 0 : seesCentre ? reach + 1 : reach
    geometry = ConvolutionGeometry(
      height: above + 1, width: width, top: above, bottom: 0, left: reach,
      right: width - 1 - reach, lastRow: constants > 0 ? width : max(1, seen))
    let shape: Shape = [outputs, inputs + constants, above + 1, width]
    let mask =
      scope.isMeasuring
      ? nil
      : Self.mask(
        inputs, shape, reach: reach, centre: centre, colours: colours, scope.precision)
    let live = mask.map { Int($0.values.reduce(0, +)) } ?? shape.count
    weight = scope.parameter(
      "weight", shape, .he(fanIn: live / outputs, gain: gain),
      mask: live == shape.count ? nil : mask, decays: true)
    bias = scope.parameter("bias", [outputs], firstBias, decays: false)
  }

  /// 1 where output channel o may see input channel i at a tap: `[O, I, kh, kw]`, the centre in the last
  /// row.
  private static func mask(
    _ inputs: Int, _ shape: Shape, reach: Int, centre: Centre, colours: Int, _ precision: Precision
  ) -> Tensor {
    let (outputs, above) = (shape[0], shape[2] - 1)
    var ones: [Double] = []
    for o in 0..<outputs {
      for i in 0..<shape[1] {
        let (from, to) = (i * colours / inputs, o * colours / outputs)
        for row in 0...above {
          for column in 0..<shape[3] {
            let seen =
              i >= inputs || row < above
              || centre != .rowsAbove
                && (column < reach
                  || (column == reach && (from < to || (from == to && centre == .included))))
            ones.append(seen ? 1 : 0)
          }
        }
      }
    }
    return Tensor(shape, precision, values: ones)
  }

  /// x ⋆ W + b (+ residual): `[N, H, W, inputs]` → `[N, H, W, outputs]`, x taken as max(x, 0) where
  /// rectified; with a memory `[N, 1, 1, …]`, the next pixel, of which the channels of the next
  /// sub-pixel's colour are computed and those of the colours before it stand.
  public func callAsFunction(
    _ x: Variable, rectified: Bool = false, adding residual: Variable? = nil,
    precision: Precision? = nil, in context: Context
  ) -> Variable {
    guard context.tape == nil else {
      return context.convolution(
        x, rectified: rectified, context.variable(weight), context.variable(bias), geometry,
        adding: residual, precision: precision)
    }
    let precision = precision ?? x.value.precision
    guard let memory = context.memory else {
      let weights = prepared(x.value.precision, in: context)
      let y = Tensor([x.shape[0], x.shape[1], x.shape[2], weights.outputs], precision)
      context.backend.convolution(
        x.value, rectified: rectified, weights, adding: residual?.value, into: y)
      return Variable(y)
    }
    let state = memory.state(of: weight) {
      let weights = prepared(x.value.precision, in: context)
      return State(
        weights, context.backend.memory(of: weights, images: memory.images, width: memory.width),
        output: .zeros([memory.images, 1, 1, weights.outputs], precision))
    }
    context.backend.convolution(
      of: x.value, rectified: rectified, state.weights, memory: state.inputs,
      at: memory.pixel(of: memory.known), channels: channels(memory), adding: residual?.value,
      into: state.output)
    return Variable(state.output)
  }

  func prepared(_ precision: Precision, in context: Context) -> ConvolutionWeights {
    context.prepared.form("\(precision)", of: weight) {
      context.backend.prepare(
        weight.value, bias: bias.value, geometry, precision, ofImage: ofImage)
    }
  }

  /// The output channels of the next sub-pixel's colour.
  func channels(_ memory: Memory) -> Range<Int> {
    let outputs = weight.shape[0]
    let colour = memory.known % memory.channels * colours / memory.channels
    // The first channel o with ⌊o · colours / outputs⌋ = colour.
    func first(_ colour: Int) -> Int { (colour * outputs + colours - 1) / colours }
    return first(colour)..<first(colour + 1)
  }

  /// The inputs that are still needed, and the output of the pixel at hand.
  final class State: LayerState {
    let weights: ConvolutionWeights
    let inputs: ConvolutionMemory
    let output: Tensor

    init(_ weights: ConvolutionWeights, _ inputs: ConvolutionMemory, output: Tensor) {
      self.weights = ConvolutionWeights(weights)
      self.inputs = inputs
      self.output = output
    }

    func copy(of images: [Int]) -> State {
      State(weights, inputs.copy(of: images), output: output.copy(ofRows: images))
    }
  }
}
