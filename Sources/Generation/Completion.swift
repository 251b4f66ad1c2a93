import Foundation
import Heads
import Images
import Models
import Randomness
import Synchronization
import Tensors

/// Fills in what is hidden of an image, given all that is seen of it, before the hole and after.
///
/// ```swift
/// let hole = Hole(belowRows: 14, height: 28, width: 28, channels: 1)
/// let outcome = try Completion(model, in: context).complete(symbols, hole, count: 8)
/// ```
///
/// Where all that is seen comes first, draws are exact. So they are where the density can be told
/// sub-pixels in another order, those seen first (`Reorderable`). Elsewhere each completion is one of
/// many particles, weighted by what is seen after the hole: exact in the limit of many (`Particles`).
public struct Completion {
  public enum Method: String, Sendable {
    case exact
    /// Exact, by telling what is seen first.
    case reordering
    case particles
  }

  public struct Outcome: Sendable {
    /// `[count, H, W, C]`
    public let images: PixelBatch
    public let method: Method
    /// Of the particles of a completion, the effective number at the worst moment, Σ² w / Σ w²: a mean
    /// over completions. Nil where draws are exact.
    public let effective: Double?
    /// Of the particles at the hole's beginning, how many have a descendant at the end of what is seen.
    public let lines: Double?
  }

  public let model: any DensityModel
  public let context: Context
  /// Of each completion.
  public let particles: Int
  public let seed: UInt64
  /// The class of the image, of a model that is told it; nil: none is told.
  public let label: Int?

  public init(
    _ model: any DensityModel, in context: Context, particles: Int = 64, seed: UInt64 = 0,
    label: Int? = nil
  ) {
    precondition(particles > 0, "there is nothing to weigh")
    (self.model, self.context, self.particles) = (model, context, particles)
    (self.seed, self.label) = (seed, label)
  }

  /// How a hole is filled.
  public func method(of hole: Hole) -> Method {
    hole.isLast ? .exact : model is any Reorderable ? .reordering : .particles
  }

  /// - Parameters:
  ///   - symbols: of the image, `[H, W, C]`; hidden ones are not read.
  ///   - progress: called now and then, by one thread at a time, with the share done, 0…1; answers whether
  ///     to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func complete(
    _ symbols: [UInt8], _ hole: Hole, count: Int,
    progress: @escaping (Double) -> Bool = { _ in true }
  ) throws(GenerationError) -> Outcome? {
    precondition(symbols.count == model.image.dimension, "no image of the model's size")
    precondition(hole.isHidden.count == symbols.count, "no hole of the model's size")
    let method = method(of: hole)
    if method == .reordering, let reorderable = model as? any Reorderable {
      let order = hole.seenFirst
      let told = Completion(
        reorderable.told(in: order), in: context, particles: 1, seed: seed, label: label)
      let found = try told.complete(
        order.map { symbols[$0] }, hole.told(in: order), count: count, progress: progress)
      return found.map { found in
        var images = found.images.symbols
        for n in 0..<count {
          for (i, place) in order.enumerated() {
            images[n * order.count + place] = found.images.symbols[n * order.count + i]
          }
        }
        return Outcome(images: batch(images, count), method: method, effective: nil, lines: nil)
      }
    }
    let found = try run(
      symbols, hole, runs: count, of: method == .exact ? 1 : particles, "complete",
      steps: symbols.count, progress
    ) { particles, goOn in try particles.finish(goOn) }
    guard let found else { return nil }
    let means = method == .exact ? nil : found
    return Outcome(
      images: batch(found.flatMap(\.value), count), method: method,
      effective: means.map { $0.reduce(0) { $0 + $1.effective } / Double(count) },
      lines: means.map { $0.reduce(0) { $0 + $1.lines } / Double(count) })
  }

  /// How probable it is that the hole of an image holds what it does, nats.
  public struct HoleProbability: Sendable {
    /// log p(hole | all that is seen). By particles it is an estimate, too high in the mean, and the closer
    /// the more of them.
    public let given: Double
    /// Of the completions that are drawn, with so many particles as there are: the same where those are
    /// exact draws, else an estimate whose exponential is unbiased. With one particle it is `naive`.
    public let drawn: Double
    /// Of a sampler that ignores all that is seen after the hole: Σ log p(x_i | x_<i) over the hole.
    public let naive: Double
  }

  /// - Parameter runs: of so many particles each.
  /// - Returns: nil where it was stopped.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func holeProbability(
    of symbols: [UInt8], _ hole: Hole, runs: Int = 8,
    progress: @escaping (Double) -> Bool = { _ in true }
  ) throws(GenerationError) -> HoleProbability? {
    let terms = logProbability(of: symbols)
    guard let first = hole.first else { return HoleProbability(given: 0, drawn: 0, naive: 0) }
    let naive = terms.indices.reduce(0) { $0 + (hole.isHidden[$1] ? terms[$1] : 0) }
    switch method(of: hole) {
    case .exact: return HoleProbability(given: naive, drawn: naive, naive: naive)
    case .reordering:
      guard let reorderable = model as? any Reorderable else { preconditionFailure() }
      let order = hole.seenFirst
      let told = Completion(reorderable.told(in: order), in: context, label: label)
      let found = told.logProbability(of: order.map { symbols[$0] })
      let exact = found.suffix(hole.isHidden.count { $0 }).reduce(0, +)
      return HoleProbability(given: exact, drawn: exact, naive: naive)
    case .particles:
      // log p(x from the hole on) − log p(what is seen from there on).
      let whole = terms[first...].reduce(0, +)
      func evidence(retaining: Bool) throws(GenerationError) -> [Double]? {
        try run(
          symbols, hole, runs: runs, of: particles, retaining ? "retained" : "evidence",
          steps: hole.end, { progress(0.5 * $0 + (retaining ? 0.5 : 0)) }
        ) { particles, goOn in
          particles.retainsTruth = retaining
          return try particles.weigh(goOn) ? [] : nil
        }?.map(\.logEvidence)
      }
      guard let free = try evidence(retaining: false), let retained = try evidence(retaining: true)
      else { return nil }
      let size = log(Double(runs))
      return HoleProbability(
        given: whole - (logSumExp(free) - size),
        drawn: whole + logSumExp(retained.map { -$0 }) - size, naive: naive)
    }
  }

  /// log p of each sub-pixel of an image given those before it, nats.
  private func logProbability(of symbols: [UInt8]) -> [Double] {
    model.subpixelLogProbability(of: batch(symbols, 1), in: context)
  }

  private func batch(_ symbols: [UInt8], _ count: Int) -> PixelBatch {
    let image = model.image
    return PixelBatch(
      count: count, height: image.height, width: image.width, channels: image.channels,
      levels: model.head.levels, symbols: symbols,
      labels: label.map { Array(repeating: $0, count: count) })
  }
}

extension Completion {
  /// What came of a run of particles.
  private struct Found: Sendable {
    let value: [UInt8]
    let logEvidence: Double
    let effective: Double
    let lines: Double
  }

  /// Runs of particles, each thread some of them, all from one beginning.
  private func run(
    _ symbols: [UInt8], _ hole: Hole, runs: Int, of particles: Int, _ purpose: String, steps: Int,
    _ progress: @escaping (Double) -> Bool,
    _ body: @escaping (inout Particles, (Int) -> Bool) throws -> [UInt8]?
  ) throws(GenerationError) -> [Found]? {
    let start = hole.first.map { $0 / model.subpixelsAStep * model.subpixelsAStep } ?? symbols.count
    let memory = remembering(symbols, before: start)
    let work = Runs(total: runs * max(1, steps - start), progress: progress, count: runs)
    nonisolated(unsafe) let (completion, body, begun) = (self, body, memory)
    context.backend.concurrently(runs) { index in
      work.finish(
        index,
        Result {
          var population = Particles(
            particles, completion.model, in: completion.context, truth: symbols, hole,
            after: begun, known: start,
            random: RandomStream(seed: completion.seed, purpose, index))
          return try body(&population, work.goOn).map {
            Found(
              value: $0, logEvidence: population.logEvidence, effective: population.effective,
              lines: Double(population.lines))
          }
        })
    }
    return try work.found()
  }

  /// A memory of the image that has been told all before a sub-pixel but the latest step.
  private func remembering(_ symbols: [UInt8], before end: Int) -> Memory {
    let memory = model.memory(images: 1, labels: label.map { [$0] })
    let each = model.subpixelsAStep
    for first in stride(from: 0, to: end, by: each) {
      _ = model.next(
        after: first == 0 ? [] : Array(symbols[first - each..<first]),
        in: context.remembering(memory))
    }
    return memory
  }

  /// What the threads have in common.
  private final class Runs: @unchecked Sendable {
    /// Called under the lock.
    private let progress: (Double) -> Bool
    private let total: Int
    private struct State {
      var done = 0
      var stopped = false
      var results: [Result<Found?, any Error>?]
    }
    private let state: Mutex<State>

    init(total: Int, progress: @escaping (Double) -> Bool, count: Int) {
      (self.total, self.progress) = (total, progress)
      state = Mutex(State(results: Array(repeating: nil, count: count)))
    }

    func goOn(_ subpixels: Int) -> Bool {
      state.withLock { state in
        state.done += subpixels
        if !state.stopped { state.stopped = !progress(Double(state.done) / Double(total)) }
        return !state.stopped
      }
    }

    func finish(_ index: Int, _ result: Result<Found?, any Error>) {
      state.withLock { state in
        state.results[index] = result
        if case .failure = result { state.stopped = true }
      }
    }

    /// All in order, or nil where somebody stopped it.
    func found() throws(GenerationError) -> [Found]? {
      let results = state.withLock { $0.results }
      for case .failure(let error as GenerationError) in results { throw error }
      let found = results.compactMap { try? $0?.get() }
      return found.count == results.count ? found : nil
    }
  }
}
