import Heads
import Images
import Layers
import Models
import Synchronization
import Tensors

/// A sound model with one fault.
struct Planted: DensityModel {
  enum Fault {
    case none, shiftForgotten, faintLeak, memoryLate, doesNotSum, drawsTheLikely, drawsAlike
  }

  let model: any DensityModel
  let fault: Fault
  private let held = Held()

  init(_ model: any DensityModel, _ fault: Fault) {
    self.model = model
    self.fault = fault
  }

  var image: ImageShape { model.image }
  var head: Head { model.head }
  var multiplyAdds: Int { model.multiplyAdds }
  var passesPerLikelihood: Int { 1 }
  var inferenceBatch: Int { model.inferenceBatch }

  func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    var batch = batch
    let memory = context.memory.map { ObjectIdentifier($0) }
    if let memory, fault == .memoryLate {
      let late = held.exchange(batch.symbols, of: memory) ?? []
      if !batch.symbols.isEmpty {
        batch.symbols = late.isEmpty ? batch.symbols.map { _ in 0 } : late
      }
    }
    if context.memory == nil, fault == .shiftForgotten {
      // Each is told of the next as if it came before.
      let d = batch.dimension
      for n in 0..<batch.count {
        let image = Array(batch.symbols[n * d..<(n + 1) * d])
        batch.symbols.replaceSubrange(n * d..<(n + 1) * d, with: image.dropFirst() + [image[0]])
      }
    }
    // Lost where it is added to a log-probability in single precision.
    let faint =
      context.memory == nil && fault == .faintLeak
      ? context.intensities(batch, shape: [batch.count, batch.dimension], from: 0, to: 1e-12) : nil
    return PlantedDistribution(
      inner: model.conditionals(batch, in: context), fault: fault, memory: memory, held: held,
      faint: faint)
  }
}

/// What was last seen of images that several threads draw, by their memory.
final class Held: Sendable {
  private let symbols = Mutex<[ObjectIdentifier: [UInt8]]>([:])
  private let uniforms = Mutex<[ObjectIdentifier: [Double]]>([:])

  func exchange(_ new: [UInt8], of memory: ObjectIdentifier) -> [UInt8]? {
    symbols.withLock { held in
      defer { held[memory] = new }
      return held[memory]
    }
  }

  /// The numbers of the step before at every second step.
  func alternate(_ new: [Double], of memory: ObjectIdentifier) -> [Double] {
    uniforms.withLock { held in
      if let old = held.removeValue(forKey: memory) { return old }
      held[memory] = new
      return new
    }
  }
}

struct PlantedDistribution: PixelDistribution {
  let inner: any PixelDistribution
  let fault: Planted.Fault
  let memory: ObjectIdentifier?
  let held: Held
  let faint: Variable?

  func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    let terms = inner.logProbability(of: symbols, in: context)
    return faint.map { context.sum(terms, $0.reshaped(terms.shape)) } ?? terms
  }

  func probabilities(image: Int, subpixel: Int, given: ArraySlice<UInt8>) -> [Double] {
    let p = inner.probabilities(image: image, subpixel: subpixel, given: given)
    return fault == .doesNotSum ? p.map { $0 * 1.001 } : p
  }

  func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], in context: Context
  ) -> [UInt8]? {
    switch fault {
    case .drawsTheLikely:
      // Cold: as if the temperature were below one.
      inner.draw(
        subpixel: subpixel, given: given, uniforms, options: SamplingOptions(temperature: 0.9),
        in: context)
    case .drawsAlike:
      inner.draw(
        subpixel: subpixel, given: given,
        memory.map { held.alternate(uniforms, of: $0) } ?? uniforms, in: context)
    default: inner.draw(subpixel: subpixel, given: given, uniforms, in: context)
    }
  }
}

/// One convolution whose mask includes the centre: B where A belongs.
struct SeesItself: DensityModel {
  let image = ImageShape(height: 5, width: 5, channels: 1)
  let head = Head.bernoulli
  let convolution: CausalConvolution
  var multiplyAdds: Int { 0 }
  var passesPerLikelihood: Int { 1 }
  var inferenceBatch: Int { 8 }

  init(_ store: ParameterStore) {
    convolution = CausalConvolution(
      1, 1, size: 3, centre: .included, colours: 1, at: store.root / "convolution")
  }

  func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    // A pass over the next sub-pixel knows nothing of itself, and draws a fair coin.
    guard context.memory == nil else {
      return distribution(Variable(Tensor.zeros([batch.count, 1, 1, 1])))
    }
    let x = context.intensities(
      batch, shape: [batch.count, batch.height, batch.width, 1], from: -1, to: 1)
    return distribution(convolution(x, precision: context.wide, in: context))
  }
}
