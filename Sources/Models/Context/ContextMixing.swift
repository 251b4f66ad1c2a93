import Heads
import Images
import Layers
import Tensors

/// Counts over causal templates, the n-gram of images (Rissanen and Langdon 1981,
/// doi:10.1109/TIT.1981.1056282; context mixing after Mahoney 2005, Florida Tech. CS-2005-16).
///
/// A level is told by binary decisions, the leading bit first. For each, every template looks at some of the
/// sub-pixels that came before (`Template`); of what it sees there, the training images tell how often a one
/// came and how often a zero. Those estimates are mixed in the logistic domain by learned weights (`Mixing`),
/// so every decision has two probabilities that sum to one, and so have the levels.
///
/// Nothing is counted of the images that are scored: p(x) depends on the training images and x alone.
///
/// Told classes, every second template looks at the class as well; the others count all classes together.
///
/// It is fitted, in seconds: one pass over the images counts, two more over some of them learn to mix. The
/// counts lie in a table of 2^`table` slots of 12 bytes (`CountTable`), 48 MiB by default, of which a
/// training holds five copies and its checkpoint four.
public struct ContextMixing: DensityModel, ClosedForm {
  public let image: ImageShape
  public let head: Head
  let contexts: Contexts
  let counts: Parameter  // [slots, 3]
  let weights: Parameter  // [bits, T, confidences, 2]
  let placeWeights: Parameter  // [D, T]
  /// Classes that it is told; 0: none.
  private let classes: Int

  /// An estimate and its weight, a template and decision.
  public var multiplyAdds: Int { image.dimension * contexts.bits * contexts.templates.count }

  static let table = Setting(
    "table", .count, default: "22", "slots of the table of counts, as a power of two: 10 … 28")

  static let family = ModelFamily(
    name: "context", summary: "counts over causal templates, mixed; fitted in seconds",
    settings: [table], batch: 1 << 20, learningRate: 1, tellsPixels: false,
    heads: [.bernoulli, .categorical], isClosedForm: true,
    make: { specification, _, scope in
      let bits = try specification.count(table)
      guard (10...28).contains(bits) else {
        throw ModelError.setting(
          table.name, of: "context", expected: "10 ... 28", found: "\(bits)")
      }
      return ContextMixing(specification.image, specification.head, table: bits, at: scope)
    })

  init(_ image: ImageShape, _ head: Head, table bits: Int, at scope: Scope) {
    (self.image, self.head, classes) = (image, head, scope.classes)
    contexts = Contexts(image, levels: head.levels, isMeasuring: scope.isMeasuring)
    let templates = contexts.templates.count
    counts = scope.parameter("counts", [1 << bits, 3], .zeros, decays: false)
    weights = scope.parameter(
      "weights", [contexts.bits, templates, Mixing.confidences, 2], .zeros, decays: false)
    placeWeights = scope.parameter(
      "place_weights", [image.dimension, templates], .zeros, decays: false)
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    let mixing = context.prepared.form("mixing", of: counts) { self.mixing() }
    let labels = told(batch.labels)
    guard let memory = context.memory else {
      let outputs = outputs(
        batch.symbols, batch.count, 0..<image.dimension, of: labels, mixing, context)
      // Counts do not move with intensities a little: no gradient reaches them.
      return distribution(
        context.record(outputs.value, from: [context.unitIntensities(batch)]) { _, _ in })
    }
    let known = memory.state(of: counts) {
      KnownSymbols(images: memory.images, dimension: image.dimension)
    }
    known.append(batch.symbols)
    return distribution(
      outputs(
        known.symbols, memory.images, memory.known..<memory.known + 1, of: labels, mixing, context))
  }

  /// The labels that it looks at, each of them a class; traps where they are not.
  private func told(_ labels: [Int]?) -> [Int]? {
    guard classes > 0 else { return nil }
    precondition(
      labels?.allSatisfy((0..<classes).contains) == true,
      "a model of \(classes) classes is told the class of each image")
    return labels
  }

  /// Outputs of some sub-pixels of images that are known up to them, `[N, count, K]`.
  private func outputs(
    _ symbols: [UInt8], _ images: Int, _ places: Range<Int>, of labels: [Int]?, _ mixing: Mixing,
    _ context: Context
  ) -> Variable {
    let (each, dimension) = (outputsAStep, image.dimension)
    let y = Tensor([images, places.count, each], .float32)
    symbols.withUnsafeBufferPointer { symbols in
      let room = Room(symbols: symbols.baseAddress!, outputs: y.floats.baseAddress!)
      @Sendable func compute(_ n: Int) {
        for (row, place) in places.enumerated() {
          mixing.outputs(
            room.symbols + n * dimension, at: place, of: labels?[n],
            into: room.outputs + (n * places.count + row) * each)
        }
      }
      // A single sub-pixel is not worth the threads.
      if places.count == 1 {
        for n in 0..<images { compute(n) }
      } else {
        context.backend.concurrently(images, compute)
      }
    }
    return Variable(context.converted(y, to: context.wide))
  }

  /// What threads read and write, each rows of its own.
  private struct Room: @unchecked Sendable {
    let symbols: UnsafePointer<UInt8>
    let outputs: UnsafeMutablePointer<Float>
  }

  /// The weights as they are computed with; single precision.
  private func mixing() -> Mixing {
    func single(_ parameter: Parameter) -> Tensor {
      guard parameter.value.precision != .float32 else { return parameter.value }
      return Tensor(parameter.shape, .float32, values: parameter.value.values)
    }
    return Mixing(
      contexts, head, counts: single(counts), weights: single(weights),
      placeWeights: single(placeWeights))
  }

  public var mostFitted: Int { 160_000_000 / contexts.bits }
  public let fitBytes = 1

  public func fit(_ images: PixelBatch, validation: PixelBatch?) {
    let mixing = self.mixing()
    mixing.fit(images.labelled(told(images.labels)))
    for (parameter, fitted) in [
      (counts, mixing.table.slots), (weights, mixing.weights), (placeWeights, mixing.placeWeights),
    ] where parameter.value.precision != .float32 {
      parameter.value.write(fitted.values)
    }
  }
}

/// The symbols of some images that are known so far, each with room for all of its own.
private final class KnownSymbols: LayerState {
  let images: Int
  let dimension: Int
  private(set) var symbols: [UInt8]
  private var known = 0

  init(images: Int, dimension: Int) {
    (self.images, self.dimension) = (images, dimension)
    symbols = Array(repeating: 0, count: images * dimension)
  }

  /// More of each image, `[N, count]`.
  func append(_ latest: [UInt8]) {
    let each = latest.count / images
    for n in 0..<images {
      for i in 0..<each { symbols[n * dimension + known + i] = latest[n * each + i] }
    }
    known += each
  }

  func copy(of chosen: [Int]) -> KnownSymbols {
    let copy = KnownSymbols(images: chosen.count, dimension: dimension)
    copy.symbols = chosen.flatMap { symbols[$0 * dimension..<($0 + 1) * dimension] }
    copy.known = known
    return copy
  }
}
