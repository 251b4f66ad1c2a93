import Heads
import Images
import Models
import Synchronization
import Tensors

/// All threads take groups of images through a model, sub-pixel after sub-pixel, each chosen in the light
/// of those before it.
struct Walk {
  /// A sub-pixel to be chosen for every image of a group.
  struct Step {
    let subpixel: Int
    /// Its place in `conditionals`.
    let place: Int
    let conditionals: any PixelDistribution
    /// The earlier channels of its pixel, `[N, channels]`.
    let given: [UInt8]

    /// The probability of each level, for one image of the group.
    func probabilities(of image: Int, among count: Int) -> [Double] {
      let width = given.count / count
      return conditionals.probabilities(
        image: image, subpixel: place, given: given[image * width..<(image + 1) * width])
    }
  }

  /// The symbol of every image of a group; nil where a probability is no number.
  typealias Choice = (Step) -> [UInt8]?

  let model: any DensityModel
  let context: Context
  let group: Int
  var path = Sampler.Path.incremental
  /// The class of image k; nil: none is told.
  var label: ((_ image: Int) -> Int)?

  /// - Parameters:
  ///   - progress: called now and then, by one thread at a time, with how many sub-pixels are done in all;
  ///     answers whether to go on.
  ///   - choosing: makes what chooses for a group of images.
  /// - Returns: nil where it was stopped.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  func run(
    _ images: Range<Int>, progress: @escaping (_ subpixels: Int) -> Bool,
    choosing: @escaping (_ group: Range<Int>) -> Choice
  ) throws(GenerationError) -> PixelBatch? {
    let threads = path == .plain ? 1 : context.backend.threads
    let size = max(1, min(group, (images.count + threads - 1) / threads))
    let groups = stride(from: images.lowerBound, to: images.upperBound, by: size).map {
      $0..<min($0 + size, images.upperBound)
    }
    let work = Work(walk: self, choosing: choosing, progress: progress, count: groups.count)
    context.backend.concurrently(groups.count) { index in
      let group = groups[index]
      work.finish(
        index, Result { try work.walk.symbols(group, work.choosing(group), work.goOn) })
    }
    guard let parts = try work.parts() else { return nil }
    return batch(parts.flatMap(\.self), images.count, label.map { images.map($0) })
  }

  /// Symbols `[N, D]` of some images; nil where it was stopped.
  private func symbols(
    _ images: Range<Int>, _ choose: Choice, _ goOn: (_ subpixels: Int) -> Bool
  ) throws -> [UInt8]? {
    let (count, dimension) = (images.count, model.image.dimension)
    var symbols = [UInt8](repeating: 0, count: count * dimension)
    let labels = label.map { images.map($0) }
    let next =
      path == .incremental
      ? context.remembering(model.memory(images: count, labels: labels)) : nil
    var latest: [UInt8] = []
    for first in stride(from: 0, to: dimension, by: model.subpixelsAStep) {
      let conditionals =
        if let next { model.next(after: latest, in: next) } else {
          model.conditionals(batch(symbols, count, labels), in: context)
        }
      latest = []
      for subpixel in first..<first + model.subpixelsAStep {
        // A step speaks of its own sub-pixels alone.
        let place = next == nil ? subpixel : subpixel - first
        let step = Step(
          subpixel: subpixel, place: place, conditionals: conditionals, given: latest)
        guard let chosen = choose(step) else {
          throw GenerationError.notANumber(subpixel: subpixel)
        }
        for n in 0..<count { symbols[n * dimension + subpixel] = chosen[n] }
        latest = latest.isEmpty ? chosen : latest.appending(chosen, toRowsOf: count)
      }
      guard goOn(count * model.subpixelsAStep) else { return nil }
    }
    return symbols
  }

  private func batch(_ symbols: [UInt8], _ count: Int, _ labels: [Int]?) -> PixelBatch {
    PixelBatch(
      count: count, height: model.image.height, width: model.image.width,
      channels: model.image.channels, levels: model.head.levels, symbols: symbols, labels: labels)
  }
}

extension [UInt8] {
  /// Rows `[count, …]`, each with one more at its end.
  fileprivate func appending(_ column: [UInt8], toRowsOf count: Int) -> [UInt8] {
    let width = self.count / count
    return column.indices.flatMap { self[$0 * width..<($0 + 1) * width] + [column[$0]] }
  }
}

/// What the threads that walk have in common.
private final class Work: @unchecked Sendable {
  let walk: Walk
  let choosing: (Range<Int>) -> Walk.Choice
  /// Called under the lock.
  private let progress: (Int) -> Bool
  private struct State {
    var done = 0
    var stopped = false
    var results: [Result<[UInt8]?, any Error>?]
  }
  private let state: Mutex<State>

  init(
    walk: Walk, choosing: @escaping (Range<Int>) -> Walk.Choice,
    progress: @escaping (Int) -> Bool, count: Int
  ) {
    self.walk = walk
    self.choosing = choosing
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
