import CKernels
import Heads
import Tensors

extension CPUBackend: LogisticMixtureKernels {
  public func logisticMixtureLogProbability(
    _ outputs: Tensor, _ shape: LogisticMixtureShape, _ symbols: [UInt8], into y: Tensor
  ) {
    var sizes = sl_mixture(shape)
    exclusively {
      sl_mixture_log_probability(
        &sizes, outputs.floats.baseAddress, symbols, y.floats.baseAddress,
        outputs.count / shape.outputs)
    }
    keepAlive(outputs, y)
  }

  public func logisticMixtureGradient(
    _ dy: Tensor, _ outputs: Tensor, _ shape: LogisticMixtureShape, _ symbols: [UInt8],
    into doutputs: Tensor
  ) {
    var sizes = sl_mixture(shape)
    let pixels = outputs.count / shape.outputs
    exclusively {
      if doutputs.precision == .bfloat16 {
        sl_mixture_gradient_bf16(
          &sizes, dy.floats.baseAddress, outputs.floats.baseAddress, symbols, doutputs.halves,
          pixels)
      } else {
        sl_mixture_gradient_f32(
          &sizes, dy.floats.baseAddress, outputs.floats.baseAddress, symbols,
          doutputs.floats.baseAddress, pixels)
      }
    }
    keepAlive(dy, outputs, doutputs)
  }

  public func drawLogisticMixture(
    _ outputs: Tensor, _ shape: LogisticMixtureShape, given: [UInt8], channel: Int,
    _ uniforms: [Double]
  ) -> [UInt8]? {
    var sizes = sl_mixture(shape)
    return withExtendedLifetime(outputs) {
      draw(uniforms) {
        sl_draw_mixture(
          &sizes, outputs.floats.baseAddress, given, channel, uniforms, $0, uniforms.count)
      }
    }
  }
}

extension sl_mixture {
  init(_ shape: LogisticMixtureShape) {
    self.init(components: shape.components, channels: shape.channels, levels: shape.levels)
  }
}
