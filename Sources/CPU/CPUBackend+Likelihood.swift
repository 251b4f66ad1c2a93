import CKernels
import Tensors

/// Log-probabilities of symbols, and their gradients.
extension CPUBackend {
  public func bernoulliLogProbability(_ logits: Tensor, _ symbols: [UInt8], into y: Tensor) {
    exclusively {
      sl_bernoulli_log_probability(
        logits.floats.baseAddress, symbols, y.floats.baseAddress, symbols.count)
    }
  }

  public func bernoulliGradient(
    _ dy: Tensor, _ logits: Tensor, _ symbols: [UInt8], into dlogits: Tensor
  ) {
    exclusively {
      sl_bernoulli_gradient(
        dy.floats.baseAddress, logits.floats.baseAddress, symbols, dlogits.floats.baseAddress,
        symbols.count)
    }
  }

  public func categoricalLogProbability(_ logits: Tensor, _ symbols: [UInt8], into y: Tensor) {
    exclusively {
      sl_categorical_log_probability(
        logits.floats.baseAddress, symbols, y.floats.baseAddress, symbols.count,
        logits.count / symbols.count)
    }
  }

  public func categoricalGradient(
    _ dy: Tensor, _ logits: Tensor, _ symbols: [UInt8], into dlogits: Tensor
  ) {
    exclusively {
      let levels = logits.count / symbols.count
      if dlogits.precision == .bfloat16 {
        sl_categorical_gradient_bf16(
          dy.floats.baseAddress, logits.floats.baseAddress, symbols, dlogits.halves,
          symbols.count, levels)
      } else {
        sl_categorical_gradient_f32(
          dy.floats.baseAddress, logits.floats.baseAddress, symbols, dlogits.floats.baseAddress,
          symbols.count, levels)
      }
    }
  }
}
