import Foundation
import Generation
import Images
import Layers
import Models
import Randomness
import Tensors
import Training

/// A benchmark under way: one model, its images, and what is known so far.
final class Measuring {
  /// Training batches that there are different images for.
  static let batches = 4
  /// Random binary images have handwritten digits' share of ones and, in pixels, their length of a run
  /// of ones: NADE's time depends on where ones stand.
  static let (ones, run) = (0.13, 3.5)
  /// Only speed matters: a small one keeps a wide model from diverging.
  static let learningRate = 1e-4

  var result: BenchmarkResult
  private let benchmark: Benchmark
  private let backend: any Backend
  private let progress: (Benchmark.Measurement) -> Bool
  private let pace: Pace
  private let images: DataSet
  private let secondsToBuild: Double
  private let learner: Learner?
  private let model: any DensityModel

  init(
    _ benchmark: Benchmark, on backend: any Backend,
    progress: @escaping (Benchmark.Measurement) -> Bool
  ) throws {
    self.benchmark = benchmark
    self.backend = backend
    self.progress = progress
    pace = Pace(seconds: benchmark.seconds)
    let specification = benchmark.specification
    let trains = benchmark.trains
    let start = ContinuousClock.now
    let parameters: Int
    if trains {
      var options = TrainingOptions(
        duration: .epochs(1), batch: benchmark.batch, learningRate: Self.learningRate)
      options.precision = benchmark.precision
      options.optimiser = specification.family.optimiser
      let learner = try Learner(
        specification, options: options, seed: benchmark.seed, backend: backend)
      (self.learner, model) = (learner, learner.averagedDensity)
      parameters = learner.parameterCount
    } else {
      let store = ParameterStore(seed: specification.seed)
      (learner, model) = (nil, try specification.build(in: store))
      // Inference keeps less of an image than a step, and computes few images where they are large.
      try model.requireRoom(
        forStepsOf: 1, store.parameters, benchmark.scoringPrecision, named: specification.name)
      parameters = store.parameters.reduce(0) { $0 + $1.count }
    }
    secondsToBuild = seconds(since: start)
    images =
      benchmark.images
      ?? .random(
        specification.image, binary: specification.head.levels == 2,
        count: max(trains ? Self.batches * benchmark.batch : 0, model.inferenceBatch),
        seed: benchmark.seed)
    result = BenchmarkResult(
      parameters: parameters, multiplyAdds: model.multiplyAdds,
      passesPerLikelihood: model.passesPerLikelihood, inferenceBatch: model.inferenceBatch)
  }

  /// Steps of gradient descent, each on the next batch.
  func train() throws {
    guard let learner else { preconditionFailure("nothing to train") }
    let start = ContinuousClock.now
    let batches = trainingBatches()
    func step() throws -> Int {
      guard let batch = batches.next() else { preconditionFailure("batches never end") }
      let step = learner.step(batch, learningRate: Self.learningRate)
      guard step.isFinite else { throw notFinite("training loss", step.nats) }
      result.firstStep = result.firstStep ?? secondsToBuild + seconds(since: start)
      try goOn(.train)
      return batch.count
    }
    if let steps = benchmark.steps {
      result.train = try train(steps, step)
    } else {
      result.train = try pace.measure(step)
    }
  }

  /// Exactly so many steps; their rate, images a second, from the first tenth on.
  private func train(_ steps: Int, _ step: () throws -> Int) throws -> Double {
    var clock = ContinuousClock.now
    var done = 0
    for index in 1...steps {
      if index == steps / 10 + 1 { (clock, done) = (.now, 0) }
      done += try step()
      if index == max(1, steps / 10) { result.residentEarly = ProcessStatus.residentMemory }
    }
    result.residentLate = ProcessStatus.residentMemory
    return Double(done) / seconds(since: clock)
  }

  /// Batches without end, each prepared while the one before is learnt, as a training does.
  private func trainingBatches() -> OneAhead<PixelBatch> {
    let (images, pixels, seed) = (images, benchmark.pixels, benchmark.seed)
    let size = benchmark.batch
    let order = EpochOrder.indices(count: images.count, seed: seed, epoch: 0)
    return OneAhead { index in
      pixels.batch(
        of: images, indices: (0..<size).map { order[(index * size + $0) % order.count] },
        epoch: 0, seed: seed)
    }
  }

  /// Likelihoods, a batch at a time.
  func score() throws {
    let context = Context(Engine(backend, benchmark.scoringPrecision))
    let scored = images[(0..<model.inferenceBatch).map { $0 % images.count }]
    result.score = try pace.measure {
      let likelihood = model.likelihood(
        of: scored, pixels: benchmark.pixels, seed: benchmark.seed, batch: scored.count,
        in: context)
      guard likelihood.natsPerImage.isFinite else {
        throw notFinite("likelihood", likelihood.natsPerImage)
      }
      try goOn(.score)
      return scored.count
    }
  }

  /// Draws of a group of images, and a few of the full passes that drawing would take without
  /// anything kept between sub-pixels.
  func sample() throws {
    let context = Context(Engine(backend, benchmark.scoringPrecision))
    // As a training would: what NADE's drawing costs depends on how many pixels are not zero.
    model.startAtMarginals(of: images, pixels: benchmark.pixels, seed: benchmark.seed)
    let sampler = Sampler(model, in: context, seed: benchmark.seed)
    let images = benchmark.samples ?? sampler.imagesAtOnce
    result.samplesAtOnce = images
    result.sample = try pace.measure { [progress] in
      guard try sampler.draw(0..<images, progress: { _ in progress(.sample) }) != nil else {
        throw Stopped()
      }
      return images
    }
    let batch = benchmark.pixels.batch(
      of: self.images, indices: (0..<model.inferenceBatch).map { $0 % self.images.count },
      seed: benchmark.seed)
    let uniforms = (0..<batch.count).map {
      var stream = RandomStream(seed: benchmark.seed, "sample", $0)
      return stream.uniform()
    }
    let passes = try pace.measure {
      let conditionals = model.conditionals(batch, in: context)
      _ = conditionals.draw(
        subpixel: 0, given: [], uniforms, options: sampler.options, in: context)
      try goOn(.sample)
      return batch.count
    }
    result.plainSample = passes / Double(model.image.dimension)
  }

  private func goOn(_ measurement: Benchmark.Measurement) throws {
    guard progress(measurement) else { throw Stopped() }
  }

  private func notFinite(_ what: String, _ found: Double) -> BenchmarkError {
    .notFinite(model: benchmark.specification.name, what, found)
  }
}

extension DataSet {
  /// Random images, each by a stream of its own: black and white with few and short runs of ones, or
  /// of uniform intensities.
  static func random(_ shape: ImageShape, binary: Bool, count: Int, seed: UInt64) -> DataSet {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(count * shape.dimension)
    for index in 0..<count {
      var random = RandomStream(seed: seed, "benchmark", index)
      var probability = Measuring.ones
      for _ in 0..<shape.dimension {
        if binary {
          let one = random.uniform() < probability
          pixels.append(one ? 255 : 0)
          probability =
            one ? 1 - 1 / Measuring.run : Measuring.ones / (1 - Measuring.ones) / Measuring.run
        } else {
          pixels.append(UInt8(truncatingIfNeeded: random.next()))
        }
      }
    }
    return DataSet(
      height: shape.height, width: shape.width, channels: shape.channels, pixels: pixels,
      names: (0..<count).map { "random#\($0)" })
  }
}
