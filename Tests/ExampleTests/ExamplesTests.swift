import Attacks
import CPU
import Detection
import Files
import Foundation
import Heads
import Images
import Jobs
import Layers
import Models
import Randomness
import RunFiles
import Tensors
import TestSupport
import Testing
import Training

/// The examples of the documentation catalogues, line by line, on tiny data.
@Suite struct ExamplesTests {
  let folder = TemporaryFolder()

  /// An IDX file of slanted bars, 5 × 5 pixels, black and white.
  func bars(_ count: Int, seed: UInt64) -> String {
    var random = RandomStream(seed: seed, "bars")
    var file: [UInt8] = [0, 0, 8, 3, 0, 0, 0, UInt8(count), 0, 0, 0, 5, 0, 0, 0, 5]
    for _ in 0..<count {
      let start = random.integer(below: 5)
      file += (0..<25).map { ($0 / 5 + $0) % 5 == start ? 255 : 0 }
    }
    return folder.write(file, to: "bars-\(seed)")
  }

  @Test func models() throws {
    let path = bars(3, seed: 1)
    let data = try DataSet.load(path)
    let batch = PixelEncoding.threshold.batch(of: data, indices: 0..<data.count, seed: 1)
    let specification = try ModelSpecification(
      name: "nade", settings: ["hidden": "16"], head: .bernoulli,
      image: ImageShape(height: data.height, width: data.width, channels: data.channels))
    let model = try specification.build(in: ParameterStore(seed: 1))
    let context = Context(Engine(CPUBackend.shared, .float32))
    let logProbabilities = model.logProbability(of: batch, in: context)  // nats, one an image
    #expect(logProbabilities.count == 3 && logProbabilities.allSatisfy { $0 < 0 })
  }

  @Test func attacks() throws {
    for (kind, name) in ["lying", "standing"].enumerated() {
      folder.makeFolder("told/\(name)")
      for index in 0..<20 {
        let pixels = (0..<36).map { i -> UInt8 in
          (kind == 0 ? i / 6 : i % 6) == index % 6 ? 160 : UInt8(60 + index)
        }
        try Image(height: 6, width: 6, channels: 1, pixels: pixels)
          .writePNG(to: folder.file("told/\(name)/\(index).png"))
      }
    }
    let (data, run, attacked) = (
      folder.file("told"), folder.file("classifier"), folder.file("attacked")
    )
    var request = TrainingRequest(data: data, run: run)
    (request.model, request.epochs, request.batch) = ("resnet", 15, 8)
    request.settings = ["channels": "6", "levels": "2"]
    _ = try TrainingJob(request).run()

    let classifier = try TrainedClassifier(run: run)
    let images = try classifier.images(at: data)!  // nil only where its watch stops it
    let outcome = try AttackJob(classifier, images, .pgd, epsilon: 8).run(to: attacked)!
    #expect(outcome.images.count == 40 && outcome.accuracyAfter <= outcome.accuracy)
    #expect(outcome.images.allSatisfy { $0.largest <= 8 })
  }

  /// The probabilities of all images of 2 × 2 pixels sum to one, whatever the weights.
  @Test func aModelOfOnesOwn() {
    let store = ParameterStore(seed: 1, precision: .float64)
    let chain = Bottleneck(
      ImageShape(height: 2, width: 2, channels: 1), .bernoulli, at: store.root)
    for parameter in store.parameters {
      parameter.value.write((0..<parameter.value.count).map { sin(Double($0)) })
      if let mask = parameter.mask {
        parameter.value.write(zip(parameter.value.values, mask.values).map(*))
      }
    }
    let all = PixelBatch(
      count: 16, height: 2, width: 2, channels: 1, levels: 2,
      symbols: (0..<64).map { UInt8(($0 / 4) >> ($0 % 4) & 1) })
    let context = Context(.reference)
    let total = chain.logProbability(of: all, in: context).reduce(0) { $0 + exp($1) }
    #expect(abs(total - 1) < 1e-12)
  }

  @Test func training() throws {
    let path = bars(40, seed: 1)
    let run = folder.file("run")
    try train(path, run)
    try use(path, run)
    let (training, validation) = try DataSet.load(path).split(seed: 1)
    // A process that another test starts holds the lock until it has become another program.
    while true {
      do {
        try resume(run, training, validation)
        break
      } catch let error as FileError where error.problem.contains("another training") {
        Thread.sleep(forTimeInterval: 0.01)
      }
    }
    try detect(run, heldOut: bars(30, seed: 2), path)
  }

  func train(_ path: String, _ run: String) throws {
    let (training, validation) = try DataSet.load(path).split(seed: 1)
    let shape = ImageShape(
      height: training.height, width: training.width, channels: training.channels)
    let model = try ModelSpecification(
      name: "nade", settings: ["hidden": "16"], head: .bernoulli, image: shape)
    let configuration = RunConfiguration(
      model: model, pixels: .threshold,
      data: DataDescription(
        path: path, training: training, validationPath: nil, validation: validation),
      training: TrainingOptions(duration: .epochs(20), batch: 32, learningRate: 1e-3), seed: 1)
    let folder = try RunFolder.create(at: run, configuration: configuration)
    let trainer = try Trainer(
      run: folder, configuration: configuration, training: training, validation: validation,
      backend: CPUBackend.shared)
    let summary = try trainer.train { progress in
      progress.secondsLeft ?? 0 < 3600  // false stops, with a checkpoint
    }
    print(summary.validationNatsPerImage ?? .nan, "nats an image")
    #expect(!summary.interrupted)
  }

  func use(_ path: String, _ run: String) throws {
    let trained = try TrainedModel(run: run)
    let images = try DataSet.load(path, options: trained.loadingOptions)
    let likelihood = trained.model.likelihood(
      of: images, pixels: trained.configuration.pixels, seed: trained.configuration.seed,
      in: trained.context)
    print(likelihood.natsPerImage, "±", likelihood.standardError, "nats an image")
    #expect(likelihood.nats.count == 40)
  }

  func resume(_ run: String, _ training: DataSet, _ validation: DataSet) throws {
    let folder = try RunFolder.resume(at: run)
    let trainer = try Trainer(
      run: folder, configuration: .read(from: folder), training: training, validation: validation,
      backend: CPUBackend.shared)
    let summary = try trainer.train { _ in true }
    #expect(summary.epochs == 20)
    try takeFurther(folder)
  }

  func takeFurther(_ folder: RunFolder) throws {
    var configuration = try RunConfiguration.read(from: folder)
    if let standing = try configuration.standing(of: folder), standing.isFinished {
      var options = configuration.training
      options.duration = .epochs(40)
      configuration = configuration.takenFurther(from: standing, by: options)
    }
    #expect(configuration.earlier?.map(\.epochs) == [20])
  }

  func detect(_ run: String, heldOut: String, _ path: String) throws {
    let trained = try TrainedModel(run: run)
    let normal = try DataSet.load(heldOut, options: trained.loadingOptions)
    // Nil only where its progress is told to stop.
    let calibration = try Scorer(trained).calibration(of: normal, "held out")!
    try calibration.write(to: trained.run.calibrationFile)

    let incoming = try DataSet.load(path, options: trained.loadingOptions)
    let table = try Scorer(trained, calibration: calibration).table(of: incoming)!
      .judged(by: calibration, falseAlarmRate: 0.05)
    for row in table.oddestFirst.rows where row.verdict?.flagged == true {
      print(row.path, row.nats, row.verdict!.pValue)
    }
    #expect(try trained.calibration() == calibration)
  }

  @Test func jobs() throws {
    let path = bars(40, seed: 1)
    let run = folder.file("job")
    var request = TrainingRequest(data: path, run: run)
    request.model = "nade"
    request.settings = ["hidden": "16"]
    request.epochs = 20
    let outcome = try TrainingJob(request).run { event in
      if case .remark(let remark) = event { print(remark) }
      return true  // false stops, with a checkpoint
    }
    print(outcome?.summary.validationNatsPerImage ?? .nan, "nats an image")
    #expect(outcome?.isComplete == true && outcome?.summary.epochs == 20)
    try useJobs(run, bars(30, seed: 2), path, folder.file("new"))
  }

  func useJobs(_ run: String, _ normal: String, _ odd: String, _ folder: String) throws {
    let trained = try TrainedModel(run: run)
    let drawn = try DrawingJob(trained, count: 16).run(to: folder)
    print(drawn.images, "images, all of them in", drawn.grid ?? "none")

    let comparison = ComparisonJob(trained, normal: normal, others: [odd])
    for pair in try comparison.run()?.comparison.pairs ?? [] {
      print(pair.outOf, pair.score, pair.metrics.auroc)
    }
    #expect(drawn.images == 16 && drawn.grid == "\(folder)/grid.png")
  }

  @Test func tensors() {
    let weight = Parameter(
      name: "weight", value: Tensor([1, 2], .float64, values: [0.5, -1]), decays: true)
    let context = Context(.reference, tape: Tape())
    let x = Variable(Tensor([3, 2], .float64, values: [1, 2, 3, 4, 5, 6]))
    let y = context.linear(x, context.variable(weight), nil)  // x · wᵀ, [3, 1]
    let gradients = context.gradients(of: y, seed: 1)  // of 1 · Σ y
    let slope = gradients[weight]!.values  // [9, 12], the sums of x's columns
    #expect(slope == [9, 12])
    let first = y.value.withBytes { $0.load(as: Double.self) }  // 1 · 0.5 − 2 · 1
    #expect(first == -1.5)
  }

  @Test func images() throws {
    folder.write(
      Image(height: 2, width: 3, channels: 1, pixels: [0, 9, 90, 99, 200, 255])
        .encodedPNG(), to: "pictures/a.png")
    folder.write([1, 2, 3], to: "pictures/b.png")
    let (path, copy) = (folder.file("pictures"), folder.file("copy.png"))
    let options = LoadingOptions(size: (width: 8, height: 8), channels: 1)
    let data = try DataSet.load(path, options: options)
    for file in data.skipped { print(file.path, file.reason) }

    let pixels = PixelEncoding.levels(16)
    let batch = pixels.batch(of: data, indices: 0..<data.count, seed: 1)  // [N, H, W, C], 0 ..< 16
    try pixels.image(from: batch, at: 0).writePNG(to: copy)
    #expect(data.names == ["a.png"] && data.skipped.count == 1)
    #expect(try Image.decode(contentsOf: copy).width == 8)
  }

  /// What the catalogues show is what is tested here.
  @Test(arguments: ["Jobs", "Models", "Training", "Tensors", "Images", "Detection"])
  func theCataloguesShowTheseExamples(module: String) throws {
    func lines(_ text: String) -> [String] {
      text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    let here = URL(fileURLWithPath: #filePath)
    let tested = lines(try String(contentsOf: here, encoding: .utf8))
    let package = here.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let catalogue = package.appendingPathComponent(
      "Sources/\(module)/\(module).docc/\(module).md")
    let text = try String(contentsOf: catalogue, encoding: .utf8)
    let examples = text.components(separatedBy: "```swift\n").dropFirst().map {
      lines($0.components(separatedBy: "```")[0])
    }
    #expect(!examples.isEmpty)
    for example in examples {
      let code = example.drop { $0.hasPrefix("import ") }
      #expect(Set(example).subtracting(code).isSubset(of: tested))
      let isTested = tested.indices.contains { tested[$0...].starts(with: code) }
      #expect(isTested, "\(module): \(code.first ?? "")")
    }
  }
}

struct Bottleneck: DensityModel {
  let image: ImageShape
  let head: Head
  let hidden: MaskedLinear
  let output: MaskedLinear
  var multiplyAdds: Int { hidden.multiplyAdds + output.multiplyAdds }

  init(_ image: ImageShape, _ head: Head, at scope: Scope) {
    self.image = image
    self.head = head
    let degrees = Degrees(image, head)
    // A unit a sub-pixel: unit i sees the first i.
    let units = Array(0..<image.dimension)
    hidden = MaskedLinear(image.dimension, image.dimension, at: scope / "hidden") {
      [.init(inputs: degrees.inputs, outputs: units)]
    }
    output = MaskedLinear(image.dimension, degrees.outputCount, at: scope / "output") {
      [.init(inputs: units, outputs: degrees.outputs)]
    }
  }

  func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    let h = hidden(context.units(batch), activation: .relu, in: context)
    return distribution(context.rows(output(h, last: true, in: context)))  // [N, D K]
  }
}
