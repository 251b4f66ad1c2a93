import Images
import Tensors

/// The arithmetic of `LogisticMixture`. A backend that has these kernels conforms; for any other the
/// reference computes them, which is counted. Symbols are `[pixels, C]`, outputs `[pixels, outputs]` as
/// far as their elements go.
public protocol LogisticMixtureKernels {
  /// log p of each symbol given the channels before it, nats.
  func logisticMixtureLogProbability(
    _ outputs: Tensor, _ shape: LogisticMixtureShape, _ symbols: [UInt8], into y: Tensor)
  /// The gradient of Σ dy · log p in the outputs.
  func logisticMixtureGradient(
    _ dy: Tensor, _ outputs: Tensor, _ shape: LogisticMixtureShape, _ symbols: [UInt8],
    into doutputs: Tensor)
  /// A draw of one channel of each pixel, given those before it `[pixels, channel]`: a component by its
  /// share given those, then a level by what is left of the uniform number. Nil where an output is no
  /// number.
  func drawLogisticMixture(
    _ outputs: Tensor, _ shape: LogisticMixtureShape, given: [UInt8], channel: Int,
    _ uniforms: [Double]
  ) -> [UInt8]?
  /// What the distributions say of a batch; nil where there is no kernel for it.
  func logisticMixtureMeasures(
    of batch: PixelBatch, under outputs: Tensor, _ shape: LogisticMixtureShape,
    _ kinds: Measures.Kinds
  ) -> Measures?
}

extension Context {
  var logisticMixtureKernels: any LogisticMixtureKernels {
    backend as? any LogisticMixtureKernels ?? backend.fallBack("logistic mixture")
  }

  /// log p of each symbol, nats, under outputs `[N, pixels, outputs]` → `[N, pixels C]`.
  func logisticMixtureLogProbability(
    _ outputs: Variable, _ shape: LogisticMixtureShape, of symbols: [UInt8]
  ) -> Variable {
    let y = Tensor([outputs.shape[0], outputs.shape[1] * shape.channels], wide)
    let largest = Int(symbols.max() ?? 0)
    precondition(
      symbols.count == y.count && largest < shape.levels,
      "\(symbols.count) symbols up to \(largest), expected \(y.count) below \(shape.levels)")
    logisticMixtureKernels.logisticMixtureLogProbability(outputs.value, shape, symbols, into: y)
    return record(y, from: [outputs]) { [self] dy, gradients in
      let doutputs = Tensor(outputs.shape, precision)
      logisticMixtureKernels.logisticMixtureGradient(
        dy, outputs.value, shape, symbols, into: doutputs)
      gradients.add(doutputs, to: outputs.slot)
    }
  }
}
