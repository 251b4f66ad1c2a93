import Tensors

/// The part of a masked layer's weights, from an image's sub-pixels to their own outputs, that is the same at
/// all places of the image: an output's weight for a sub-pixel is
///
///     W_de + S_{o, y − y′, x − x′, c′}
///
/// with output o of the pixel (y, x), and sub-pixel e channel c′ of the pixel (y′, x′), known before it. The
/// functions are those of W alone; what they learn of one place they now expect of all others.
public struct Stencil {
  /// `[O H, (2 W − 1) C]`: of each output of a pixel a row for each distance y − y′, in which the
  /// neighbours to the left come first.
  public let weight: Parameter
  private let height: Int
  private let width: Int
  private let channels: Int
  /// Outputs of a pixel; those of a step, and the sub-pixels that a step tells.
  private let outputs: Int
  private let outputsAStep: Int
  private let channelsAStep: Int

  /// - Parameters:
  ///   - outputs: of a pixel.
  ///   - steps: in which a pixel is told, each with as many of its channels and outputs.
  public init(
    height: Int, width: Int, channels: Int, outputs: Int, steps: Int, at scope: Scope
  ) {
    (self.height, self.width, self.channels, self.outputs) = (height, width, channels, outputs)
    (outputsAStep, channelsAStep) = (outputs / steps, channels / steps)
    weight = scope.parameter(
      "stencil", [outputs * height, (2 * width - 1) * channels], .zeros, decays: false)
  }

  /// W + S of weights W `[O H W, H W C]`.
  func sum(with weights: Tensor) -> Tensor {
    let sum = Tensor(weights.shape, weights.precision)
    sum.copy(from: weights)
    add(weight.value, to: sum, isShared: true)
    return sum
  }

  /// The gradient of S, given that of the weights, of which only what is live is read.
  func gradient(of weights: Tensor) -> Tensor {
    let gradient = Tensor.zeros(weight.shape, weights.precision)
    add(weights, to: gradient, isShared: false)
    return gradient
  }

  /// Adds S to weights, or weights to S, place by place.
  /// - Parameter isShared: whether it is S that is added.
  private func add(_ source: Tensor, to target: Tensor, isShared: Bool) {
    switch target.precision {
    case .float64: add(source, to: target, isShared, Double.self)
    default: add(source, to: target, isShared, Float.self)
    }
  }

  private func add<Element: BinaryFloatingPoint>(
    _ source: Tensor, to target: Tensor, _ isShared: Bool, _: Element.Type
  ) {
    source.withBytes { source in
      target.withMutableBytes { target in
        let from = source.bindMemory(to: Element.self).baseAddress!
        let to = target.bindMemory(to: Element.self).baseAddress!
        runs { place, start, count in
          let (read, written) = isShared ? (start, place) : (place, start)
          for i in 0..<count { to[written + i] += from[read + i] }
        }
      }
    }
  }

  /// Where weights stand side by side, in W and in S: those of an output for what is known of a line.
  @inline(__always)
  private func runs(_ visit: (_ place: Int, _ start: Int, _ count: Int) -> Void) {
    let line = width * channels
    for y in 0..<height {
      for x in 0..<width {
        for output in 0..<outputs {
          let row = ((y * width + x) * outputs + output) * height * line
          let known = x * channels + output / outputsAStep * channelsAStep
          for above in 0...y {
            let start = (output * height + above) * (2 * width - 1) * channels
            visit(
              row + (y - above) * line, start + (width - 1 - x) * channels,
              above == 0 ? known : line)
          }
        }
      }
    }
  }
}

extension Context {
  /// W + S: weights with what all places have in common, `[O H W, H W C]`.
  func sum(_ weights: Variable, _ stencil: Stencil) -> Variable {
    let shared = variable(stencil.weight)
    return record(stencil.sum(with: weights.value), from: [weights, shared]) { dy, gradients in
      gradients.add(stencil.gradient(of: dy), to: shared.slot)
      gradients.add(dy, to: weights.slot)
    }
  }
}
