import Heads
import Images
import Models
import Randomness
import Synchronization
import Tensors

/// Draws images from a density, one sub-pixel after the other, each from the very distribution that
/// scores it.
///
/// ```swift
/// let sampler = Sampler(model, in: context, seed: 1)
/// let images = try sampler.draw(count: 100)
/// ```
///
/// Image k has a random stream of its own, keyed by seed and k, and the order in which a backend sums
/// does not depend on how much it computes at once: it is the same image whatever the count, the group,
/// the threads and the path.
public struct Sampler {
  /// Where conditionals come from. Both give the same images.
  public enum Path: Sendable {
    /// Only what is new is computed for each step.
    case incremental
    /// A whole pass of the model for each step.
    case plain
  }

  public let model: any DensityModel
  public let context: Context
  /// How draws depart from the exact distribution; not at all by default.
  public let options: SamplingOptions
  public let seed: UInt64
  /// Most images that one thread draws at once.
  public let group: Int
  public let path: Path
  /// The class of image k, of a model that is told them; nil: none is told.
  public let label: ((_ image: Int) -> Int)?

  public init(
    _ model: any DensityModel, in context: Context, options: SamplingOptions = SamplingOptions(),
    seed: UInt64 = 0, group: Int? = nil, path: Path = .incremental,
    label: ((_ image: Int) -> Int)? = nil
  ) {
    precondition(group.map { $0 > 0 } ?? true, "a group has at least one image")
    self.model = model
    self.context = context
    self.options = options
    self.seed = seed
    self.group = group ?? model.samplingGroup
    self.path = path
    self.label = label
  }

  /// Images that all threads together draw at once.
  public var imagesAtOnce: Int { path == .plain ? group : group * context.backend.threads }

  /// Images 0 ..< `count`.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func draw(count: Int) throws(GenerationError) -> PixelBatch {
    guard let images = try draw(0..<count) else { preconditionFailure("nobody stopped it") }
    return images
  }

  /// Draws the images of these indices, each thread a group of them at a time through all sub-pixels.
  /// - Parameter progress: called now and then, by one thread at a time, with how many sub-pixels are
  ///   done in all; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func draw(
    _ images: Range<Int>, progress: @escaping (_ subpixels: Int) -> Bool = { _ in true }
  ) throws(GenerationError) -> PixelBatch? {
    let threads = path == .plain ? 1 : context.backend.threads
    let size = max(1, min(group, (images.count + threads - 1) / threads))
    let groups = stride(from: images.lowerBound, to: images.upperBound, by: size).map {
      $0..<min($0 + size, images.upperBound)
    }
    let work = Work(sampler: self, progress: progress, count: groups.count)
    context.backend.concurrently(groups.count) { index in
      work.finish(index, Result { try work.sampler.symbols(groups[index], work.goOn) })
    }
    guard let parts = try work.parts() else { return nil }
    return PixelBatch(
      count: images.count, height: model.image.height, width: model.image.width,
      channels: model.image.channels, levels: model.head.levels, symbols: parts.flatMap(\.self),
      labels: label.map { images.map($0) })
  }

  /// Symbols `[N, D]` of some images; nil where it was stopped.
  fileprivate func symbols(
    _ images: Range<Int>, _ goOn: (_ subpixels: Int) -> Bool
  ) throws -> [UInt8]? {
    let (count, dimension) = (images.count, model.image.dimension)
    var symbols = [UInt8](repeating: 0, count: count * dimension)
    var streams = images.map { RandomStream(seed: seed, "sample", $0) }
    let labels = label.map { images.map($0) }
    let next =
      path == .incremental
      ? context.remembering(model.memory(images: count, labels: labels)) : nil
    var latest: [UInt8] = []
    var uniforms = [Double](repeating: 0, count: count)
    for first in stride(from: 0, to: dimension, by: model.subpixelsAStep) {
      let conditionals =
        if let next { model.next(after: latest, in: next) } else {
          model.conditionals(batch(symbols, count).labelled(labels), in: context)
        }
      latest = []
      for subpixel in first..<first + model.subpixelsAStep {
        // A step speaks of its own sub-pixels alone.
        let place = next == nil ? subpixel : subpixel - first
        for n in 0..<count { uniforms[n] = streams[n].uniform() }
        guard
          let drawn = conditionals.draw(
            subpixel: place, given: latest, uniforms, options: options, in: context)
        else { throw GenerationError.notANumber(subpixel: subpixel) }
        for n in 0..<count { symbols[n * dimension + subpixel] = drawn[n] }
        latest = latest.isEmpty ? drawn : latest.appending(drawn, toRowsOf: count)
      }
      guard goOn(count * model.subpixelsAStep) else { return nil }
    }
    return symbols
  }

  private func batch(_ symbols: [UInt8], _ count: Int) -> PixelBatch {
    PixelBatch(
      count: count, height: model.image.height, width: model.image.width,
      channels: model.image.channels, levels: model.head.levels, symbols: symbols)
  }
}

extension [UInt8] {
  /// Rows `[count, …]`, each with one more at its end.
  fileprivate func appending(_ column: [UInt8], toRowsOf count: Int) -> [UInt8] {
    let width = self.count / count
    return column.indices.flatMap { self[$0 * width..<($0 + 1) * width] + [column[$0]] }
  }
}

/// What the threads that draw have in common.
private final class Work: @unchecked Sendable {
  let sampler: Sampler
  /// Called under the lock.
  private let progress: (Int) -> Bool
  private struct State {
    var done = 0
    var stopped = false
    var results: [Result<[UInt8]?, any Error>?]
  }
  private let state: Mutex<State>

  init(sampler: Sampler, progress: @escaping (Int) -> Bool, count: Int) {
    self.sampler = sampler
    self.progress = progress
    state = Mutex(State(results: Array(repeating: nil, count: count)))
  }

  func goOn(_ subpixels: Int) -> Bool {
    state.withLock { state in
      state.done += subpixels
      if !state.stopped { state.stopped = !progress(state.done) }
      return !state.stopped
    }
  }

  func finish(_ index: Int, _ result: Result<[UInt8]?, any Error>) {
    state.withLock { state in
      state.results[index] = result
      if case .failure = result { state.stopped = true }
    }
  }

  /// All parts in order, or nil where somebody stopped it.
  func parts() throws(GenerationError) -> [[UInt8]]? {
    let results = state.withLock { $0.results }
    for case .failure(let error as GenerationError) in results { throw error }
    let parts = results.compactMap { try? $0?.get() }
    return parts.count == results.count ? parts : nil
  }
}
