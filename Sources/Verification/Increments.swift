import Heads
import Images
import Models
import Tensors

extension Verification {
  /// Step by step, with what the layers remember, as in one pass over whole images.
  func increments(_ images: PixelBatch) -> Attempt {
    { progress in
      let (n, d, width) = (images.count, images.dimension, model.subpixelsAStep)
      let whole = model.subpixelLogProbability(of: images, in: context)
      let next = context.remembering(model.memory(images: n, labels: images.labels))
      var latest: [UInt8] = []
      for first in stride(from: 0, to: d, by: width) {
        let step = model.next(after: latest, in: next)
        latest = (0..<n).flatMap { images.symbols[$0 * d + first..<$0 * d + first + width] }
        let found = step.logProbability(of: latest, in: context).value.values
        for image in 0..<n {
          for i in 0..<width {
            let (here, there) = (found[image * width + i], whole[image * d + first + i])
            guard here.bitPattern != there.bitPattern else { continue }
            return Claim(
              kind: .incremental, holds: false,
              evidence: "\(name(first + i)): \(here) nats alone, \(there) in the whole pass")
          }
        }
        guard progress(.incremental, first, d) else { return nil }
      }
      return Claim(
        kind: .incremental, holds: true,
        evidence: "\(d / width) steps of \(n) images in \(context.precision.rawValue): all the same"
      )
    }
  }
}
