import Tensors

/// The first layer: a causal convolution of the image itself, which sees no sub-pixel but those before
/// its own (mask A), and planes that are the same for every image.
///
/// It remembers the image so far, which is small beside any feature map.
public struct ImageConvolution {
  public let convolution: CausalConvolution
  /// `[H, W, P]`.
  let planes: Tensor
  let channels: Int

  /// - Parameter planes: further channels, `[H, W, P]`; all of them are seen at all taps.
  public init(
    channels: Int, _ outputs: Int, size: Int, colours: Int, planes: Tensor, at scope: Scope
  ) {
    self.planes = planes
    self.channels = channels
    convolution = CausalConvolution(
      channels, outputs, size: size, centre: .excluded, colours: colours,
      constants: planes.shape[2], at: scope)
  }

  /// `[N, H, W, C]` → `[N, H, W, outputs]`, intensities in −1…1.
  public func callAsFunction(_ x: Variable, in context: Context) -> Variable {
    var x = context.cast(x, to: context.precision)
    if planes.shape[2] > 0 { x = context.appendChannels(planes, to: x) }
    return convolution(x, in: context)
  }

  /// `[N, 1, 1, outputs]` of the next sub-pixel, once the latest symbols `[N, count]` are known, which
  /// are scale · symbol + offset in −1…1.
  public func callAsFunction(
    next symbols: [UInt8], count: Int, scale: Double, offset: Double, in context: Context
  ) -> Variable {
    guard let memory = context.memory else { preconditionFailure("the next of what?") }
    let state = memory.state(of: convolution.weight) {
      let weights = convolution.prepared(context.precision, in: context)
      return State(
        weights, blank(memory, in: context),
        output: .zeros([memory.images, 1, 1, weights.outputs], context.precision))
    }
    for i in 0..<count {
      let subpixel = memory.known - count + i
      let channel = subpixel % channels
      context.backend.intensities(
        count == 1 ? symbols : (0..<memory.images).map { symbols[$0 * count + i] },
        scale: scale, offset: offset, into: state.image, at: memory.pixel(of: subpixel),
        channels: channel..<channel + 1)
    }
    context.backend.convolution(
      within: state.image, state.weights, at: memory.pixel(of: memory.known),
      channels: convolution.channels(memory), into: state.output)
    return Variable(state.output)
  }

  /// The images so far, and the output of the pixel at hand.
  private final class State: LayerState {
    let weights: ConvolutionWeights
    let image: Tensor
    let output: Tensor

    init(_ weights: ConvolutionWeights, _ image: Tensor, output: Tensor) {
      self.weights = weights
      self.image = image
      self.output = output
    }

    func copy(of images: [Int]) -> State {
      State(weights, image.copy(ofRows: images), output: output.copy(ofRows: images))
    }
  }

  /// Images of which nothing but the planes is known.
  private func blank(_ memory: Memory, in context: Context) -> Tensor {
    let x = Tensor.zeros(
      [memory.images, memory.height, memory.width, channels], context.precision)
    guard planes.shape[2] > 0 else { return x }
    let y = Tensor(
      [memory.images, memory.height, memory.width, channels + planes.shape[2]], context.precision)
    context.backend.appendChannels(planes, to: x, into: y)
    return y
  }
}
