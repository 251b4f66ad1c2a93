import CPU
import Foundation
import Images
import Layers
import Models
import RunFiles
import Tensors
import TestSupport
import Testing
import Training

@Suite(.serialized) struct OptimisationTests {
  @Test func theRateRisesAndFallsBySchedule() {
    var options = TrainingOptions(duration: .epochs(1), batch: 1, learningRate: 2)
    options.warmup = 0.1
    options.finalRate = 0.2
    // A line from 0 to 2; then 2 (0.2 + 0.8 (1 + cos) / 2).
    for (progress, rate) in [
      (0, 0.02), (0.025, 0.5), (0.05, 1), (0.1, 2), (0.325, 0.4 + 0.8 * (1 + 0.5.squareRoot())),
      (0.55, 1.2), (1, 0.4), (1.5, 0.4),
    ] {
      #expect(abs(options.learningRate(at: progress) - rate) < 1e-12, "at \(progress)")
    }
    options.warmup = 0
    #expect(options.learningRate(at: 0) == 2)
    options.warmup = 1e-4
    #expect(options.learningRate(at: 0) == 2)
  }

  /// A whole training against one written out here, in double precision from the papers: AdamW
  /// (arXiv:1711.05101, algorithm 2), clipping by the global norm, the moving average. With it, which
  /// images and draws each step takes, and from which weights it starts.
  @Test(arguments: [1e9, 0.02])
  func stepsAreThoseOfAdamW(clip: Double) throws {
    var training = TrainingCase.nade
    training.change = { options in
      options.clip = clip
      options.weightDecay = 0.1
      options.averageDecay = 0.9
    }
    // A validation may begin the average anew.
    training.hasValidation = false
    let epochs = 8
    training.duration = .epochs(epochs)
    let steps = epochs * TrainingCase.stepsPerEpoch
    let folder = TemporaryFolder()
    try training.train(at: folder.file("run"))
    let configuration = try training.configuration()
    let options = configuration.training

    let store = ParameterStore(seed: configuration.model.seed, precision: .float64)
    let model = try configuration.model.build(in: store)
    let data = training.training
    // The output starts at how often each pixel is white.
    let symbols = configuration.pixels.batch(of: data, indices: 0..<data.count, epoch: 0, seed: 3)
      .symbols
    let bias = try #require(model.outputBias)
    bias.value.write(
      (0..<20).map { pixel in
        let white = stride(from: pixel, to: symbols.count, by: 20).reduce(0) {
          $0 + Int(symbols[$1])
        }
        return log(Double(white + 1) / Double(data.count - white + 1))
      })
    // First weights as the training had them, in float32.
    for parameter in store.parameters {
      parameter.value.write(parameter.value.values.map { Double(Float($0)) })
    }
    var first = store.parameters.map { [Double](repeating: 0, count: $0.value.count) }
    var second = first
    var average = store.parameters.map(\.value.values)
    var step = 0
    var clipped = 0
    for epoch in 0..<epochs {
      var order = EpochOrder.indices(count: data.count, seed: 3, epoch: epoch)[...]
      while !order.isEmpty {
        let batch = configuration.pixels.batch(
          of: data, indices: order.prefix(4), epoch: epoch, seed: 3)
        order = order.dropFirst(4)
        let context = Context(
          .reference, mode: .training(step: step, seed: 0), tape: Tape())
        let gradients = context.gradients(
          of: model.conditionals(batch, in: context).logProbability(of: batch, in: context),
          seed: -1 / Double(batch.count))
        let all = try store.parameters.map { try #require(gradients[$0]).values }
        let norm = all.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
        let scale = min(1, clip * 20 / norm)
        if scale < 1 { clipped += 1 }
        let rate = options.learningRate(at: Double(step) / Double(steps))
        step += 1
        // From step 27 on the average reaches over more than four steps and takes every fourth.
        let once = min(0.9, Double(1 + step) / Double(10 + step))
        let keep = step < 27 ? once : step % 4 == 0 ? once * once * once * once : 1
        for (p, parameter) in store.parameters.enumerated() {
          var weights = parameter.value.values
          for i in weights.indices {
            let g = all[p][i] * scale
            first[p][i] = 0.9 * first[p][i] + 0.1 * g
            second[p][i] = 0.999 * second[p][i] + 0.001 * g * g
            let m = first[p][i] / (1 - pow(0.9, Double(step)))
            let v = second[p][i] / (1 - pow(0.999, Double(step)))
            weights[i] -=
              rate * (m / (v.squareRoot() + 1e-8) + (parameter.decays ? 0.1 : 0) * weights[i])
            average[p][i] = keep * average[p][i] + (1 - keep) * weights[i]
          }
          parameter.value.write(weights)
        }
      }
    }
    #expect(step == steps)
    #expect(clip > 1 ? clipped == 0 : clipped > step / 2)

    let file = try TensorFile(reading: folder.file("run") + "/checkpoint.safetensors")
    #expect(file.tensors.count == 4 * store.parameters.count)
    for (p, parameter) in store.parameters.enumerated() {
      for (suffix, expected) in [
        ("", parameter.value.values), ("#first", first[p]), ("#second", second[p]),
        ("#average", average[p]),
      ] {
        let name = parameter.name + suffix
        let found = try file.values(of: name, shape: parameter.shape.sides, as: Float.self)
        expectClose(found.map(Double.init), expected, tolerance: 1e-3, floor: 1e-6, name)
      }
    }
  }

  @Test(arguments: TrainingCase.families)
  func trainingLowersTheLoss(_ training: TrainingCase) throws {
    var training = training
    training.duration = .epochs(20)
    // Where draws are made anew, most of the loss is theirs.
    if training.pixels == .stochastic { training.pixels = .threshold }
    let folder = TemporaryFolder()
    let summary = try training.train(at: folder.file("run"))
    let rows = try MetricsLog.rows(of: folder.file("run") + "/metrics.jsonl")
    #expect(rows.map(\.step) == (1...20).map { $0 * TrainingCase.stepsPerEpoch })
    #expect(rows[19].trainBitsPerDimension < 0.9 * rows[0].trainBitsPerDimension)
    // Better than even odds.
    let dimension = Double(training.training.dimension)
    let even = log(Double(training.pixels.levels)) * dimension
    #expect(try #require(summary.validationNatsPerImage) < 0.95 * even)
    #expect(
      try #require(summary.trainBitsPerDimension) == rows[19].trainBitsPerDimension)
  }

  /// Few images learned by heart: the validation loss falls, then rises.
  @Test func theBestWeightsByValidationAreKept() throws {
    var training = TrainingCase.nade
    training.duration = .epochs(30)
    training.change = {
      $0.learningRate = 0.3
      $0.averageDecay = 0
      $0.weightDecay = 0
    }
    let folder = TemporaryFolder()
    let run = folder.file("run")
    let summary = try training.train(at: run)
    let rows = try MetricsLog.rows(of: run + "/metrics.jsonl")
    let best = try #require(
      rows.min { $0.validationNatsPerImage! < $1.validationNatsPerImage! })
    #expect(best.step < summary.steps)
    #expect(summary.validationNatsPerImage == best.validationNatsPerImage)
    let file = try TensorFile(reading: run + "/weights.safetensors")
    #expect(try file.metadata("step", as: Int.self) == best.step)
    // And they are those weights: they have that loss.
    let trained = try TrainedModel(run: run)
    let loss = trained.model.likelihood(
      of: try #require(training.validation), pixels: trained.configuration.pixels,
      seed: trained.configuration.seed, in: trained.context
    ).natsPerImage
    #expect(loss == best.validationNatsPerImage)
  }

  /// Small steps all go one way: the weights themselves are ahead of their average, which begins anew
  /// at them.
  @Test func anAverageThatLiesBehindBeginsAnew() throws {
    var training = TrainingCase.nade
    training.duration = .epochs(6)
    training.change = {
      $0.learningRate = 1e-4
      $0.finalRate = 1
      $0.averageDecay = 0.9995
    }
    let folder = TemporaryFolder()
    let run = folder.file("run")
    let summary = try training.train(at: run)
    let checkpoint = try TensorFile(reading: run + "/checkpoint.safetensors")
    let weights = try tensorBits(run + "/weights.safetensors")
    let kept = try tensorBits(run + "/checkpoint.safetensors")
    #expect(try checkpoint.metadata("average_origin") == summary.steps)
    for (name, bits) in weights { #expect(kept[name] == bits, "\(name)") }
    // A run that was stopped in between has the same.
    let stopped = folder.file("stopped")
    _ = try training.train(at: stopped, stops: [TrainingCase.stepsPerEpoch + 2])
    #expect(try tensorBits(stopped + "/weights.safetensors") == weights)
    #expect(try tensorBits(stopped + "/checkpoint.safetensors") == kept)
  }

  @Test func withoutValidationTheLastWeightsAreKept() throws {
    var training = TrainingCase.nade
    training.hasValidation = false
    let folder = TemporaryFolder()
    let run = folder.file("run")
    let summary = try training.train(at: run, stops: [5])
    #expect(summary.validationNatsPerImage == nil)
    let weights = try tensorBits(run + "/weights.safetensors")
    let checkpoint = try tensorBits(run + "/checkpoint.safetensors")
    for (name, bits) in weights { #expect(bits == checkpoint["\(name)#average"]) }
    #expect(
      try TensorFile(reading: run + "/weights.safetensors").metadata
        == ["step": "\(TrainingCase.steps)"])
  }

  /// Nobody is handed first weights for trained ones.
  @Test func beforeTheFirstValidationTheLatestWeightsAreKept() throws {
    let folder = TemporaryFolder()
    let run = folder.file("run")
    var calls = 0
    let summary = try TrainingCase.nade.trainer(at: run).train { _ in
      calls += 1
      return calls < 4
    }
    #expect(summary.interrupted)
    #expect(summary.epochs == 0)
    #expect(summary.steps == 4)
    #expect(try #require(summary.trainBitsPerDimension) > 0)
    #expect(summary.validationNatsPerImage == nil)
    let file = try TensorFile(reading: run + "/weights.safetensors")
    #expect(file.metadata == ["step": "4"])
  }

  @Test("gradients of the parts of a batch add up to those of the whole")
  func gradientsAreSummed() throws {
    // What dropout draws, and how bfloat16 rounds, depends on the part.
    for training in TrainingCase.families
    where training.precision == .float32 && training.settings["dropout"] == nil {
      let configuration = try training.configuration()
      let batch = training.training.batch(
        [0, 1, 2, 3, 4], as: configuration.pixels, epoch: 0, seed: 3)
      let parts = [[0, 1, 2], [3, 4]].map {
        training.training.batch($0, as: configuration.pixels, epoch: 0, seed: 3)
      }
      func learner() throws -> Learner {
        try Learner(
          configuration.model, options: configuration.training, backend: CPUBackend.shared)
      }
      let (one, other) = (try learner(), try learner())
      let whole = one.gradients(of: batch)
      var sum = other.gradients(of: parts[0], ofImages: 5)
      #expect(sum.tensors.map(\.name) == whole.tensors.map(\.name) && !sum.tensors.isEmpty)
      sum.add(other.gradients(of: parts[1], ofImages: 5))
      for (found, expected) in zip(sum.tensors, whole.tensors) {
        expectClose(
          found.gradient.values, expected.gradient.values, tolerance: 1e-5, floor: 1e-6,
          found.name)
      }
      let steps = [
        one.update(along: whole, learningRate: 0.01), other.update(along: sum, learningRate: 0.01),
      ]
      #expect(abs(steps[0].nats - steps[1].nats) < 1e-4 && steps[0].nats > 0)
      #expect(abs(steps[0].gradientNorm / steps[1].gradientNorm - 1) < 1e-5)
      // And a step is these two calls.
      #expect(try learner().step(batch, learningRate: 0.01).gradientNorm == steps[0].gradientNorm)
    }
  }

  @Test func minutesEndOnTimeAndTheCutEpochCounts() throws {
    var training = TrainingCase.nade
    training.duration = .minutes(0.3 / 60)
    // Steps enough for the clock to come first.
    training.change = { $0.batch = 1 }
    let folder = TemporaryFolder()
    let run = folder.file("run")
    var stepsAfterTheEnd = 0
    var last: Trainer.Progress?
    let summary = try training.trainer(at: run).train { progress in
      if progress.moment == .step && progress.done >= 1 { stepsAfterTheEnd += 1 }
      last = progress
      return true
    }
    #expect(stepsAfterTheEnd <= 1)
    #expect(!summary.interrupted)
    #expect(summary.seconds >= 0.3)
    #expect(try #require(last).done == 1)
    if case .epochEnd = try #require(last).moment {
    } else {
      Issue.record("expected the epoch to be ended")
    }
    let row = try #require(try MetricsLog.rows(of: run + "/metrics.jsonl").last)
    #expect(row.step == summary.steps)
    #expect(row.epoch == summary.epochs)
    #expect(row.validationNatsPerImage != nil)
    #expect(try training.trainer(at: run).isFinished)
  }
}
