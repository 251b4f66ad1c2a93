import CKernels
import Heads
import Images
import Tensors

/// In one pass over the logits.
extension CPUBackend: MeasureKernels {
  public func bernoulliMeasures(
    of batch: PixelBatch, under logits: [Tensor], _ kinds: Measures.Kinds
  ) -> Measures {
    measures(of: batch, under: logits, outputs: batch.symbols.count, kinds) {
      sl_bernoulli_evidence(&$0)
    }
  }

  public func categoricalMeasures(
    of batch: PixelBatch, under logits: [Tensor], _ kinds: Measures.Kinds
  ) -> Measures {
    measures(of: batch, under: logits, outputs: batch.symbols.count * batch.levels, kinds) {
      sl_categorical_evidence(&$0, batch.levels)
    }
  }

  public func logisticMixtureMeasures(
    of batch: PixelBatch, under outputs: Tensor, _ shape: LogisticMixtureShape,
    _ kinds: Measures.Kinds
  ) -> Measures? {
    guard outputs.precision == .float32 else { return nil }
    var sizes = sl_mixture(shape)
    let count = batch.symbols.count / shape.channels * shape.outputs
    return measures(of: batch, under: [outputs], outputs: count, kinds) {
      sl_mixture_evidence(&$0, &sizes)
    }
  }

  /// - Parameter outputs: of each member.
  private func measures(
    of batch: PixelBatch, under logits: [Tensor], outputs: Int, _ kinds: Measures.Kinds,
    _ kernel: (inout sl_evidence) -> Void
  ) -> Measures {
    for member in logits {
      precondition(
        member.count == outputs,
        "logits \(member.shape) of \(batch.symbols.count) symbols, expected \(outputs)")
    }
    func room(_ wanted: Bool = true) -> Tensor? {
      wanted ? Tensor([batch.symbols.count], .float32) : nil
    }
    let (moments, levels) = (kinds.contains(.moments), kinds.contains(.levels))
    let (surprise, pit) = (room(), room(kinds.contains(.pit)))
    let (entropy, variance) = (room(moments), room(moments))
    let (error, spread) = (room(levels), room(levels))
    let members = logits.map { UnsafePointer($0.floats.baseAddress) }
    let keys = pit == nil ? [] : batch.contentKeys
    members.withUnsafeBufferPointer { members in
      batch.symbols.withUnsafeBufferPointer { symbols in
        keys.withUnsafeBufferPointer { keys in
          var evidence = sl_evidence(
            logits: members.baseAddress, members: members.count, images: batch.count,
            subpixels: batch.dimension, symbols: symbols.baseAddress, keys: keys.baseAddress,
            surprise: surprise?.floats.baseAddress, entropy: entropy?.floats.baseAddress,
            variance: variance?.floats.baseAddress, pit: pit?.floats.baseAddress,
            error: error?.floats.baseAddress, spread: spread?.floats.baseAddress)
          exclusively { kernel(&evidence) }
        }
      }
    }
    withExtendedLifetime(logits) {}
    func numbers(_ measure: Tensor?) -> [Float] {
      withExtendedLifetime(measure) { measure.map { Array($0.floats) } ?? [] }
    }
    return Measures(
      surprise: numbers(surprise), entropy: numbers(entropy), variance: numbers(variance),
      pit: numbers(pit), levelError: numbers(error), levelVariance: numbers(spread))
  }
}
