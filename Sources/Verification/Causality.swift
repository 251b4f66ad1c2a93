import Heads
import Images
import Models
import Randomness
import Tensors

extension Verification {
  /// Sub-pixels that are changed, where images have more of them.
  private static let most = 1024

  /// Neither changes nor derivatives lead from a sub-pixel to an output that is to be told before it.
  func causality(_ images: PixelBatch) -> Attempt {
    { progress in
      guard let changes = changes(images)(progress) else { return nil }
      guard changes.holds else { return changes }
      guard let derivatives = derivatives(images, progress) else { return nil }
      guard derivatives.holds, !derivatives.evidence.isEmpty else {
        return derivatives.holds ? changes : derivatives
      }
      return Claim(
        kind: .causal, holds: true, evidence: "\(changes.evidence); \(derivatives.evidence)")
    }
  }

  /// Another level at sub-pixel i, and others at all after it, leave the distributions of sub-pixels up
  /// to i as they are, to the bit.
  private func changes(_ images: PixelBatch) -> Attempt {
    { progress in
      let d = images.dimension
      var random = RandomStream(seed: seed, "verify/causality")
      var places = Array(0..<d)
      if d > Self.most {
        places = random.permutation(of: d).prefix(Self.most - 1).sorted() + [d - 1]
      }
      let group = max(1, imagesAtOnce / 2)
      // One image of the model's own, one of noise.
      for n in [0, images.count - 1] {
        let original = Array(images.symbols[n * d..<(n + 1) * d])
        let label = images.labels?[n]
        let unchanged = logProbability(of: [original], under: [original], label)
        for first in stride(from: 0, to: places.count, by: group) {
          let changed = Array(places[first..<min(first + group, places.count)])
          var others: [[UInt8]] = []
          for place in changed {
            var one = original
            one[place] = another(than: original[place], &random)
            others.append(one)
            for later in place + 1..<max(d, place + 1) {
              one[later] = another(than: original[later], &random)
            }
            others.append(one)
          }
          let found = logProbability(
            of: Array(repeating: original, count: others.count), under: others, label)
          for (k, place) in changed.enumerated() {
            for copy in [2 * k, 2 * k + 1] {
              for i in 0...place where found[copy * d + i].bitPattern != unchanged[i].bitPattern {
                return Claim(
                  kind: .causal, holds: false,
                  evidence:
                    "\(name(i)) sees \(copy % 2 == 0 ? name(place) : "\(name(place)) or later")")
              }
            }
          }
          guard progress(.causal, (n == 0 ? 0 : places.count) + first, 2 * places.count) else {
            return nil
          }
        }
      }
      return Claim(
        kind: .causal, holds: true,
        evidence:
          "\(places.count) of \(d) sub-pixels changed in two images, alone and with all later"
          + " ones: nothing before them moved")
    }
  }

  /// log p of each symbol of some images under the conditionals of others, all of one class.
  private func logProbability(
    of symbols: [[UInt8]], under others: [[UInt8]], _ label: Int?
  ) -> [Double] {
    let labels = label.map { Array(repeating: $0, count: others.count) }
    return model.conditionals(batch(others.flatMap(\.self), labels: labels), in: context)
      .logProbability(of: symbols.flatMap(\.self), in: context).value.values
  }

  private func another(than level: UInt8, _ random: inout RandomStream) -> UInt8 {
    let levels = model.head.levels
    return UInt8((Int(level) + 1 + random.integer(below: levels - 1)) % levels)
  }

  /// `row 3, column 4, channel 0`
  func name(_ subpixel: Int) -> String {
    let (channels, width) = (model.image.channels, model.image.width)
    let pixel = subpixel / channels
    return "row \(pixel / width), column \(pixel % width)"
      + (channels > 1 ? ", channel \(subpixel % channels)" : "")
  }
}
