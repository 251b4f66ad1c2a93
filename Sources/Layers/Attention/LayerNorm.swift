import Tensors

/// Layer normalisation over channels (Ba et al. 2016, arXiv:1607.06450, equation 3).
public struct LayerNorm {
  public let gain: Parameter
  public let bias: Parameter
  private static let epsilon = 1e-5

  public init(_ channels: Int, at scope: Scope) {
    gain = scope.parameter("gain", [channels], .ones, decays: false)
    bias = scope.parameter("bias", [channels], .zeros, decays: false)
  }

  /// `[…, channels]` → the same.
  public func callAsFunction(_ x: Variable, in context: Context) -> Variable {
    let kernels = context.normalisationKernels
    let (gain, bias) = (context.variable(gain), context.variable(bias))
    let y = Tensor(x.shape, x.value.precision)
    kernels.normalise(
      x.value, gain: gain.value, bias: bias.value, epsilon: Self.epsilon, into: y)
    return context.record(y, from: [x, gain, bias]) { dy, gradients in
      let dx = Tensor(x.shape, x.value.precision)
      let dgain = Tensor(gain.shape, context.wide)
      let dbias = Tensor(bias.shape, context.wide)
      kernels.normaliseGradient(
        context.converted(dy, to: dx.precision), x.value, gain: gain.value, epsilon: Self.epsilon,
        dx: dx, dgain: dgain, dbias: dbias)
      gradients.add(dx, to: x.slot)
      gradients.add(dgain, to: gain.slot)
      gradients.add(dbias, to: bias.slot)
    }
  }
}

extension Context {
  var normalisationKernels: any NormalisationKernels {
    backend as? any NormalisationKernels ?? ReferenceBackend()
  }

  /// The Gaussian error linear unit by its logistic form (Hendrycks and Gimpel 2016, arXiv:1606.08415,
  /// section 2): x σ(2 √(2/π) (x + 0.044715 x³)), any shape.
  public func gelu(_ x: Variable) -> Variable {
    let kernels = normalisationKernels
    let y = Tensor(x.shape, x.value.precision)
    kernels.gelu(x.value, into: y)
    return record(y, from: [x]) { [self] dy, gradients in
      let dx = Tensor(x.shape, x.value.precision)
      kernels.geluGradient(converted(dy, to: dx.precision), x.value, into: dx)
      gradients.add(dx, to: x.slot)
    }
  }
}
