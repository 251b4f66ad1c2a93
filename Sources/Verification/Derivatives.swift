import Images
import Models
import Randomness
import Tensors

extension Verification {
  /// Cuts that are made through an image, where it has more sub-pixels.
  private static let cuts = 128

  /// No output up to sub-pixel i has a derivative, in single precision, in that sub-pixel or a later one.
  ///
  /// It finds what a change of level cannot: a weight so small that it is lost where it is added to
  /// others. A poison of NaN would not do, as masks are zeros in many a product, and spread it.
  /// - Returns: what holds, with no evidence for a model that has no derivatives; nil where it was stopped.
  func derivatives(_ images: PixelBatch, _ progress: Progress) -> Claim? {
    let d = images.dimension
    var random = RandomStream(seed: seed, "verify/derivatives")
    let places =
      d <= Self.cuts
      ? Array(0..<d) : random.permutation(of: d - 1).prefix(Self.cuts - 1).sorted() + [d - 1]
    let group = max(1, min(8, imagesAtOnce / 2))
    let prepared = PreparedWeights()
    for n in [0, images.count - 1] {
      let original = Array(images.symbols[n * d..<(n + 1) * d])
      for first in stride(from: 0, to: places.count, by: group) {
        let cuts = Array(places[first..<min(first + group, places.count)])
        let copies = batch(
          cuts.flatMap { _ in original },
          labels: images.labels.map { labels in cuts.map { _ in labels[n] } })
        let told = cuts.flatMap { cut in (0..<d).map { $0 <= cut ? 1.0 : 0 } }
        guard let gradient = gradient(of: copies, weighing: told, prepared) else {
          return Claim(kind: .causal, holds: true, evidence: "")
        }
        for (copy, cut) in cuts.enumerated() {
          for later in cut..<d where gradient[copy * d + later] != 0 {
            return Claim(
              kind: .causal, holds: false,
              evidence: "up to \(name(cut)) an output has a derivative in \(name(later))")
          }
        }
        guard progress(.causal, (n == 0 ? 0 : places.count) + first, 2 * places.count) else {
          return nil
        }
      }
    }
    return Claim(
      kind: .causal, holds: true,
      evidence: "at \(places.count) cuts no output has a derivative beyond")
  }

  /// Of a weighted sum of all log-probabilities, in all pixels' intensities of 0 … 1 and in single
  /// precision; nil where there is none.
  /// - Parameter weights: of each sub-pixel of each image.
  func gradient(
    of images: PixelBatch, weighing weights: [Double], _ prepared: PreparedWeights
  ) -> [Double]? {
    let pixels = Parameter(
      name: "pixels",
      value: Tensor(
        [images.count, images.height, images.width, images.channels],
        values: images.symbols.map { Double($0) / Double(images.levels - 1) }),
      decays: false)
    let recording = Context(
      Engine(context.engine.backend, .float32), tape: Tape(), prepared: prepared, pixels: pixels,
      weightsAreConstant: true)
    let terms = model.conditionals(images, in: recording)
      .logProbability(of: images, in: recording)
    return recording.gradients(
      of: recording.masked(terms, by: Tensor(terms.shape, values: weights)), seed: 1)[pixels]?
      .values
  }
}
