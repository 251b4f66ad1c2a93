import CKernels
import Foundation
import Tensors

/// The norm of gradients and the step of the optimiser, over all of a matrix or the steps of its staircase.
extension CPUBackend {
  public func sumOfSquares(_ x: Tensor, _ staircase: Staircase?) -> Double {
    guard x.precision == .float32 else {
      return fallBack("sumOfSquares").sumOfSquares(x, staircase)
    }
    return exclusively {
      withBlocks(x.count, staircase) { sl_sum_of_squares_f32(x.floats.baseAddress, $0) }
    }
  }

  public func adamW(
    _ step: AdamWStep, weights: Tensor, gradient: Tensor, first: Tensor, second: Tensor,
    average: Tensor, copy: Tensor?, _ staircase: Staircase?
  ) {
    requireSame(weights.shape, gradient.shape)
    if let copy { requireSame(weights.shape, copy.shape) }
    var rates = sl_adamw_step(
      learning_rate: Float(step.learningRate), beta1: Float(step.beta1),
      beta2: Float(step.beta2), epsilon: Float(step.epsilon),
      weight_decay: Float(step.weightDecay), gradient_scale: Float(step.gradientScale),
      first_correction: Float(1 - pow(step.beta1, Double(step.step))),
      second_correction: Float(1 - pow(step.beta2, Double(step.step))),
      average_decay: Float(step.averageDecay))
    exclusively {
      withBlocks(weights.count, staircase) {
        sl_adamw(
          &rates, weights.floats.baseAddress, gradient.floats.baseAddress,
          first.floats.baseAddress, second.floats.baseAddress, average.floats.baseAddress,
          copy?.halves, $0)
      }
    }
  }

  public func muon(_ step: MuonStep, _ matrices: [MuonMatrix]) {
    var rates = sl_muon_step(
      learning_rate: Float(step.learningRate), momentum: Float(step.momentum),
      weight_decay: Float(step.weightDecay), average_decay: Float(step.averageDecay))
    let all = matrices.map { matrix in
      sl_muon_matrix(
        weights: matrix.weights.floats.baseAddress, gradient: matrix.gradient.floats.baseAddress,
        momentum: matrix.momentum.floats.baseAddress, average: matrix.average.floats.baseAddress,
        mask: matrix.mask?.floats.baseAddress, rows: matrix.rows, columns: matrix.columns)
    }
    exclusively {
      let scratch = Tensor([sl_muon_scratch_count(all, all.count)], .float32)
      sl_muon(&rates, all, all.count, scratch.floats.baseAddress)
    }
  }

  /// The elements that a pointwise kernel is to visit: all, as one row, or the steps of a staircase.
  private func withBlocks<Result>(
    _ count: Int, _ staircase: Staircase?, _ body: (sl_blocks) -> Result
  ) -> Result {
    let width = staircase?.width ?? count
    let blocks =
      staircase?.steps.map {
        sl_block(first: $0.rows.lowerBound * width, rows: $0.rows.count, columns: $0.columns)
      } ?? [sl_block(first: 0, rows: 1, columns: count)]
    return blocks.withUnsafeBufferPointer {
      body(sl_blocks(blocks: $0.baseAddress, count: $0.count, stride: width))
    }
  }
}
