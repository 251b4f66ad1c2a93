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

  /// - Parameters:
  ///   - planes: further channels, `[H, W, P]`; all of them are seen at all taps.
  ///   - stack: the part of what is known that it sees.
  public init(
    channels: Int, _ outputs: Int, size: Int, stack: Stack = .whole, colours: Int, planes: Tensor,
    gain: Double = 1, at scope: Scope
  ) {
    self.planes = planes
    self.channels = channels
    convolution = CausalConvolution(
      channels, outputs, size: size, ownRow: stack == .horizontal,
      centre: stack == .vertical ? .rowsAbove : .excluded, colours: colours,
      constants: planes.shape[2], gain: gain, at: scope)
  }

  /// What a first layer sees.
  public enum Stack: Sendable {
    /// All that is near enough.
    case whole
    /// The rows above alone.
    case vertical
    /// Its own row alone.
    case horizontal
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
    let state = state(told: symbols, count: count, scale: scale, offset: offset, memory, context)
    context.backend.convolution(
      within: state.image, state.weights, at: memory.pixel(of: memory.known),
      channels: convolution.channels(memory), into: state.output)
    return Variable(state.output)
  }

  /// The pixel before the next one in raster order, `[N, 1, 1, C]`: zeros where there is none. The layer
  /// has been told the latest symbols.
  public func pixelBefore(in context: Context) -> Variable {
    guard let memory = context.memory else { preconditionFailure("before which pixel?") }
    precondition(planes.shape[2] == 0, "a pixel of the image alone has no planes")
    let shape: Shape = [memory.images, 1, 1, channels]
    let pixel = memory.known / channels
    guard pixel > 0 else { return Variable(.zeros(shape, context.precision)) }
    let state: State = memory.state(of: convolution.weight) {
      preconditionFailure("nothing is remembered of any pixel")
    }
    let pixels = state.image.reshaped([memory.images, memory.height * memory.width, channels])
    return Variable(pixels.step(pixel - 1).reshaped(shape))
  }

  /// The outputs of all pixels of the row that begins, by a layer that sees nothing of it:
  /// `[W, N, 1, outputs]`. In the middle of a row there are none.
  public func callAsFunction(
    rowAfter symbols: [UInt8], count: Int, scale: Double, offset: Double, in context: Context
  ) -> Variable {
    guard let memory = context.memory else { preconditionFailure("the next of what?") }
    let state = state(told: symbols, count: count, scale: scale, offset: offset, memory, context)
    let (columns, outputs) = (context.rowBegins ? memory.width : 0, state.weights.outputs)
    let y = Tensor([columns, memory.images, 1, outputs], context.precision)
    for column in 0..<columns {
      context.backend.convolution(
        within: state.image, state.weights,
        at: Pixel(row: memory.pixel(of: memory.known).row, column: column), channels: 0..<outputs,
        into: y.rows(column..<column + 1).reshaped([memory.images, 1, 1, outputs]))
    }
    return Variable(y)
  }

  /// What is remembered, with the latest symbols in it.
  private func state(
    told symbols: [UInt8], count: Int, scale: Double, offset: Double, _ memory: Memory,
    _ context: Context
  ) -> State {
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
    return state
  }

  /// The images so far, and the output of the pixel at hand.
  private final class State: LayerState {
    let weights: ConvolutionWeights
    let image: Tensor
    let output: Tensor

    init(_ weights: ConvolutionWeights, _ image: Tensor, output: Tensor) {
      self.weights = ConvolutionWeights(weights)
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
