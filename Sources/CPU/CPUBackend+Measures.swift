import CKernels
import Heads
import Images
import Tensors

/// In one pass over the logits.
extension CPUBackend: MeasureKernels {
  public func bernoulliMeasures(
    of batch: PixelBatch, under logits: [Tensor], _ kinds: Measures.Kinds
  ) -> Measures {
    measures(of: batch, under: logits, outputs: 1, kinds) { sl_bernoulli_evidence(&$0) }
  }

  public func categoricalMeasures(
    of batch: PixelBatch, under logits: [Tensor], _ kinds: Measures.Kinds
  ) -> Measures {
    measures(of: batch, under: logits, outputs: batch.levels, kinds) {
      sl_categorical_evidence(&$0, batch.levels)
    }
  }

  private func measures(
    of batch: PixelBatch, under logits: [Tensor], outputs: Int, _ kinds: Measures.Kinds,
    _ kernel: (inout sl_evidence) -> Void
  ) -> Measures {
    for member in logits {
      precondition(
        member.count == batch.symbols.count * outputs,
        "logits \(member.shape) of \(batch.symbols.count) symbols with \(outputs) each")
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
