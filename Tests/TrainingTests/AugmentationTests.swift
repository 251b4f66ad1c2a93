import CPU
import Images
import Models
import RunFiles
import Tensors
import TestSupport
import Testing
import Training

/// Training images are changed, and nothing else.
@Suite(.serialized) struct AugmentationTests {
  private let augmented = TrainingCase(
    model: "nade", settings: ["hidden": "7"],
    change: { $0.augmentation = Augmentation(flips: true, shift: 1) })

  @Test func aStoppedRunReachesTheSameBits() throws {
    let folder = TemporaryFolder()
    try augmented.train(at: folder.file("whole"))
    try augmented.train(at: folder.file("stopped"), stops: [8, 3])
    try expectSameRuns(folder.file("stopped"), folder.file("whole"))
    try TrainingCase.nade.train(at: folder.file("plain"))
    #expect(
      try tensorBits(folder.file("plain/weights.safetensors"))
        != tensorBits(folder.file("whole/weights.safetensors")))
  }

  @Test("the likelihood of validation is that of the images as they are")
  func validationIsLeftAlone() throws {
    let folder = TemporaryFolder()
    let summary = try augmented.train(at: folder.file("run"))
    let trained = try TrainedModel(run: folder.file("run"))
    let likelihood = trained.model.likelihood(
      of: try #require(augmented.validation), pixels: trained.configuration.pixels,
      seed: trained.configuration.seed, in: trained.context)
    #expect(summary.validationNatsPerImage == likelihood.natsPerImage)
  }

  /// Images with light on the left alone: what they teach, mirrored, is both sides.
  @Test func mirroredImagesAreLearnedToo() throws {
    func image(_ isLight: (Int) -> Bool) -> [UInt8] { (0..<16).map { isLight($0 % 4) ? 255 : 0 } }
    let (left, right) = (image { $0 < 2 }, image { $0 >= 2 })
    let images = DataSet(
      height: 4, width: 4, channels: 1, pixels: (0..<32).flatMap { _ in left },
      names: (0..<32).map { "\($0)" })
    /// Nats of the two sides.
    func learned(_ augmentation: Augmentation?) throws -> [Double] {
      var options = TrainingOptions(duration: .epochs(40), batch: 8, learningRate: 0.05)
      options.averageDecay = 0.9
      options.augmentation = augmentation
      let configuration = RunConfiguration(
        model: try ModelSpecification(
          name: "fvsbn", head: .bernoulli, image: ImageShape(height: 4, width: 4, channels: 1)),
        pixels: .threshold,
        data: DataDescription(
          path: "images", training: images, validationPath: nil, validation: nil),
        training: options, seed: 1)
      let folder = TemporaryFolder()
      let run = try RunFolder.create(at: folder.file("run"), configuration: configuration)
      let trainer = try Trainer(
        run: run, configuration: configuration, training: images, validation: nil,
        backend: CPUBackend.shared)
      _ = try trainer.train { _ in true }
      let both = PixelBatch(
        count: 2, height: 4, width: 4, channels: 1, levels: 2,
        symbols: (left + right).map { $0 / 255 })
      let context = Context(Engine(CPUBackend.shared, .float32))
      return trainer.averagedModel.logProbability(of: both, in: context).map { -$0 }
    }
    let plain = try learned(nil)
    #expect(plain[0] < 1 && plain[1] > 10, "\(plain)")
    let mirrored = try learned(Augmentation(flips: true))
    #expect(mirrored.allSatisfy { (0.3...4).contains($0) }, "\(mirrored)")
  }
}
