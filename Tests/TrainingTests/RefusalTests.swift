import CPU
import Files
import Foundation
import Images
import Layers
import Models
import RunFiles
import Tensors
import TestSupport
import Testing
import Training

/// What training refuses, in one line and with the run left as it is.
@Suite(.serialized) struct RefusalTests {
  /// A run stopped in its second epoch.
  private func stoppedRun(
    _ training: TrainingCase = .nade, in folder: TemporaryFolder
  ) throws -> String {
    let run = folder.file("run")
    var calls = 0
    _ = try training.trainer(at: run).train { _ in
      calls += 1
      return calls < 12
    }
    return run
  }

  private func expectRefusal(
    _ training: TrainingCase = .nade, of run: String, _ parts: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try contents(of: run)
    let error = #expect(throws: (any Error).self, sourceLocation: sourceLocation) {
      try training.trainer(at: run).train { _ in true }
    }
    let line = error.map { "\($0)" } ?? ""
    #expect(!line.contains("\n"), sourceLocation: sourceLocation)
    for part in [run] + parts {
      #expect(line.contains(part), "\(line)", sourceLocation: sourceLocation)
    }
    #expect(try contents(of: run) == before, sourceLocation: sourceLocation)
  }

  /// Writes a file of tensors again, changed.
  private func rewrite(
    _ path: String, metadata change: [String: String?] = [:],
    _ changeValues: (String, inout [Float]) -> Void = { _, _ in }
  ) throws {
    let file = try TensorFile(reading: path)
    let sources = try file.tensors.map { tensor in
      var values = try file.values(of: tensor.name, shape: tensor.shape, as: Float.self)
      changeValues(tensor.name, &values)
      return TensorSource(tensor.name, shape: tensor.shape, values)
    }
    var metadata = file.metadata
    for (key, value) in change { metadata[key] = value }
    try TensorFile.write(sources, metadata: metadata, to: path)
  }

  /// A backend that would have to emulate bfloat16.
  private struct Float32Alone: PlainBackend {
    let name = "float32 alone"
    func multiplies(_ precision: Precision) -> Bool { precision != .bfloat16 }
  }

  @Test("a precision that a backend emulates is refused, whatever the backend is")
  func precisions() throws {
    let folder = TemporaryFolder()
    var training = TrainingCase.nade
    let run = try RunFolder.open(at: try stoppedRun(training, in: folder))
    let configuration = try RunConfiguration.read(from: run)
    try configuration.requirePrecision(of: Float32Alone(), for: run)
    training.precision = .bfloat16
    let other = try training.configuration()
    try other.requirePrecision(of: ReferenceBackend(), for: run)
    expectError(
      at: run.configurationFile, "training.precision", "expected float32", "found bfloat16"
    ) {
      try other.requirePrecision(of: Float32Alone(), for: run)
    }
  }

  @Test func damagedCheckpoints() throws {
    let folder = TemporaryFolder()
    let run = try stoppedRun(in: folder)
    let path = "\(run)/checkpoint.safetensors"
    let whole = try bytes(of: path)

    put(whole.dropLast(5), at: path)
    try expectRefusal(of: run, "checkpoint.safetensors: ", "expected")
    put("junk".utf8, at: path)
    try expectRefusal(of: run, "checkpoint.safetensors: header length")

    for (key, value, expected) in [
      ("step", "x", "expected a whole number, found 'x'"),
      ("step", nil, "expected a value, found nothing"),
      ("step", "9223372036854775807", "0 ... "), ("images_of_epoch", "-4", "0 ... "),
      ("images_of_epoch", "13", "in 1 epochs and 13 images"),
      ("images_of_epoch", "400", "in 1 epochs and 400 images"),
      ("epoch", "2", "in 2 epochs and "), ("seconds", "nan", "0 or more, found nan"),
      ("best_validation", "nan", "a number, found nan"),
      ("nats_of_epoch", "inf", "a finite number, found inf"),
    ] as [(String, String?, String)] {
      put(whole, at: path)
      try rewrite(path, metadata: [key: value])
      try expectRefusal(of: run, "checkpoint.safetensors: metadata", expected)
    }
    put(whole, at: path)
    try rewrite(path) { name, values in if name == "c#second" { values[0] = .nan } }
    try expectRefusal(of: run, "tensor 'c#second': expected finite numbers")

    put(whole, at: path)
    try TrainingCase.nade.train(at: run)
  }

  @Test func foreignCheckpointsAndWeights() throws {
    let folder = TemporaryFolder()
    let run = try stoppedRun(in: folder)
    var other = TrainingCase.nade
    other.settings["hidden"] = "8"
    try other.train(at: folder.file("other"))
    try TrainingCase(model: "fvsbn").train(at: folder.file("fvsbn"))
    for (from, file, expected) in [
      ("other", "checkpoint", "expected F32 "), ("other", "weights", "expected F32 "),
      ("fvsbn", "checkpoint", "expected none of that name in this model"),
      ("fvsbn", "weights", "expected none of that name in this model"),
    ] {
      let path = "\(run)/\(file).safetensors"
      let own = try bytes(of: path)
      put(try bytes(of: folder.file(from) + "/\(file).safetensors"), at: path)
      try expectRefusal(of: run, "\(file).safetensors: tensor '", expected)
      put(own, at: path)
    }
    try FileManager.default.removeItem(atPath: "\(run)/weights.safetensors")
    try expectRefusal(of: run, "weights.safetensors: cannot open")
  }

  /// A weight where the mask is zero would make the likelihood a lie.
  @Test(arguments: ["", "#first", "#average"])
  func weightsThatSeeTheFuture(_ suffix: String) throws {
    let folder = TemporaryFolder()
    let training = TrainingCase(model: "fvsbn")
    let run = try stoppedRun(training, in: folder)
    try rewrite("\(run)/checkpoint.safetensors") { name, values in
      if name == "regression/weight" + suffix { values[1] = 0.5 }
    }
    try expectRefusal(
      training, of: run, "'regression/weight\(suffix)': expected zeros where the mask is")
  }

  @Test(arguments: [
    ("\"format\" : 1", "\"format\" : 2", "format: expected 1, found 2"),
    ("\"batch\" : 4", "\"batch\" : 0", "training.batch: expected 1 ... 1048576, found 0"),
    ("\"batch\" : 4", "\"batch\" : 1.5", "training.batch"),
    ("\"learningRate\" : 0.02", "\"learningRate\" : -1", "training.learningRate: expected more"),
    ("\"warmup\" : 0.02", "\"warmup\" : 1", "training.warmup: expected 0 or more"),
    ("\"epochs\" : 3", "\"epochs\" : 0", "training.duration.epochs: expected 1 ..."),
    ("\"epochs\" : 3", "\"minutes\" : -3", "training.duration.minutes: expected 0 ..."),
    ("\"epochs\" : 3", "\"epochs\" : 3, \"minutes\" : 1", "expected epochs or minutes, found both"),
    ("\"epochs\" : 3", "\"hours\" : 3", "expected epochs or minutes, found none"),
    ("\"precision\" : \"float32\"", "\"precision\" : \"float64\"", "training.precision: expected"),
    ("\"name\" : \"nade\"", "\"name\" : \"nada\"", "model: expected one of"),
    ("\"hidden\" : \"7\"", "\"hidden\" : \"-7\"", "setting hidden of nade"),
    ("\"hidden\" : \"7\"", "\"width\" : \"7\"", "settings of nade"),
    ("\"width\" : 4", "\"width\" : 0", "model.image: expected sides"),
    ("\"levels\" : 2", "\"levels\" : 3", "model.head.levels"),
    ("\"stochastic\"", "\"levels-3\"", "model.head.levels: expected the 3 of pixels, found 2"),
  ])
  func configurationsThatNoRunHas(_ from: String, _ to: String, _ expected: String) throws {
    let folder = TemporaryFolder()
    let run = folder.file("run")
    _ = try TrainingCase.nade.trainer(at: run)
    let file = URL(fileURLWithPath: "\(run)/config.json")
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.contains(from))
    try text.replacingOccurrences(of: from, with: to).write(
      to: file, atomically: true, encoding: .utf8)
    try expectRefusal(of: run, "config.json: ", expected)
  }

  @Test func otherImages() throws {
    let folder = TemporaryFolder()
    let run = try stoppedRun(in: folder)
    let before = try contents(of: run)
    let (training, validation) = (TrainingCase.nade.training, TrainingCase.nade.validation)
    for (trainingData, validationData, expected) in [
      (pictures(23, seed: 1), validation, "the 22 training images that the run was begun with"),
      (pictures(22, seed: 4), validation, "the 22 training images that the run was begun with"),
      (training[(0..<22).reversed()], validation, "found as many others"),
      (training, pictures(5, seed: 4), "the 5 validation images"),
      (training, nil, "the 5 validation images that the run was begun with, found 0"),
    ] {
      let error = #expect(throws: FileError.self) {
        let folder = try resumedRun(at: run)
        return try Trainer(
          run: folder, configuration: .read(from: folder), training: trainingData,
          validation: validationData, backend: CPUBackend.shared)
      }
      #expect(error?.description.contains(expected) == true)
    }
    #expect(try contents(of: run) == before)
  }

  @Test func aLossThatIsNotFinite() throws {
    let folder = TemporaryFolder()
    let run = try stoppedRun(in: folder)
    let checkpoint = try bytes(of: "\(run)/checkpoint.safetensors")
    let weights = try bytes(of: "\(run)/weights.safetensors")
    let runFolder = try resumedRun(at: run)
    var configuration = try RunConfiguration.read(from: runFolder)
    configuration.training.learningRate = 1e38
    let trainer = try Trainer(
      run: runFolder, configuration: configuration, training: TrainingCase.nade.training,
      validation: TrainingCase.nade.validation, backend: CPUBackend.shared)
    #expect(trainer.step == 9)
    var step = trainer.step
    let error = #expect(throws: TrainingError.self) {
      try trainer.train { progress in
        step = progress.step
        return true
      }
    }
    let line = error?.description ?? ""
    #expect(line.hasPrefix("\(run): step \(step + 1): expected a finite loss, found "))
    #expect(line.contains("the last checkpoint is kept"))
    #expect(!line.contains("\n"))
    #expect(try bytes(of: "\(run)/checkpoint.safetensors") == checkpoint)
    #expect(try bytes(of: "\(run)/weights.safetensors") == weights)
  }

  /// Images of 128 × 128 for which a PixelCNN with 250 blocks keeps about a GiB each: what fits
  /// is begun, and nothing of it is touched; one image more is refused.
  @Test func batchesThatMemoryCannotHold() throws {
    let (side, count) = (128, 2000)
    let data = DataSet(
      height: side, width: side, channels: 1,
      pixels: [UInt8](repeating: 0, count: count * side * side), names: (0..<count).map { "\($0)" })
    func begin(batch: Int) throws {
      let folder = TemporaryFolder()
      let configuration = RunConfiguration(
        model: try ModelSpecification(
          name: "pixelcnn", settings: ["blocks": "250", "channels": "16"], head: .bernoulli,
          image: ImageShape(height: side, width: side, channels: 1)),
        pixels: .threshold,
        data: DataDescription(path: "", training: data, validationPath: nil, validation: nil),
        training: TrainingOptions(duration: .epochs(1), batch: batch, learningRate: 1e-3), seed: 0)
      _ = try Trainer(
        run: .create(at: folder.file("run"), configuration: configuration),
        configuration: configuration, training: data, validation: nil,
        backend: CPUBackend.shared)
    }
    let error = #expect(throws: ModelError.self) { try begin(batch: 1 << 20) }
    let line = try #require(error?.description)
    #expect(line.contains("pixelcnn on 128x128x1") && line.contains("found 2000"), "\(line)")
    let words = line.split(separator: " ")
    let index = try #require(words.firstIndex(of: "most"))
    let most = try #require(Int(words[index + 1]))
    // The three layers of a block have 16, 16 and 32 outputs, float32.
    let kept = Double(side * side * 250 * (16 + 16 + 32) * 4)
    #expect(Double(most) * kept < Double(ProcessInfo.processInfo.physicalMemory))
    #expect(throws: Never.self) { try begin(batch: most) }
    #expect(throws: ModelError.self) { try begin(batch: most + 1) }
  }

  /// Sizes whose products no integer holds.
  @Test(arguments: [
    ("pixelcnn", ["blocks": "1048576", "channels": "1048576"], 8), ("fvsbn", [:], 8192),
    ("pixelcnn", ["blocks": "262144", "channels": "262144"], 8),
    ("made", ["hidden": "262144,262144"], 8192), ("nade", ["hidden": "262144"], 8192),
  ])
  func sizesBeyondAllMemory(_ name: String, _ settings: [String: String], _ side: Int) {
    #expect(throws: ModelError.self) {
      try ModelSpecification(
        name: name, settings: settings, head: .categorical(256),
        image: ImageShape(height: side, width: side, channels: side == 8 ? 1 : 3)
      ).build(in: ParameterStore(seed: 0))
    }
  }

  /// In a process of its own, whose oneDNN is told that the processor has no bfloat16 arithmetic.
  @Test func aPrecisionThatTheProcessorLacks() async {
    await #expect(processExitsWith: .success) {
      setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1)
      let folder = TemporaryFolder()
      var training = TrainingCase.nade
      training.precision = .bfloat16
      let error = #expect(throws: FileError.self) { try training.trainer(at: folder.file("run")) }
      #expect(error?.path == folder.file("run/config.json"))
      #expect(error?.field == "training.precision")
      training.precision = .float32
      #expect(throws: Never.self) { try training.trainer(at: folder.file("other")) }
    }
  }

  /// The folder goes away in the middle of a step, as a disk may.
  @Test func aDiskThatFails() throws {
    let folder = TemporaryFolder()
    let (run, moved) = (folder.file("run"), folder.file("moved"))
    var calls = 0
    let error = #expect(throws: FileError.self) {
      try TrainingCase.nade.trainer(at: run, checkpointInterval: 0).train { _ in
        calls += 1
        if calls == 5 { try FileManager.default.moveItem(atPath: run, toPath: moved) }
        return true
      }
    }
    #expect(error?.description.contains("cannot write: No such file or directory") == true)
    try TrainingCase.nade.train(at: moved)
    try TrainingCase.nade.train(at: folder.file("whole"))
    try expectSameRuns(moved, folder.file("whole"))
  }
}
