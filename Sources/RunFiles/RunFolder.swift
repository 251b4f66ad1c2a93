import Files
import Foundation

/// A training run as a folder that can be moved, read and resumed. Nothing in it is code.
///
/// | file | what it holds |
/// |---|---|
/// | `config.json` | what was trained, on what, and how |
/// | `weights.safetensors` | the parameters to use: the best moving average by validation |
/// | `checkpoint.safetensors` | everything that training needs to go on |
/// | `metrics.jsonl` | how training went, a row a line |
/// | `events/` | the same for TensorBoard |
/// | `samples/` | sample sheets, PNG |
/// | `seen.bin` | fingerprints of the images trained and validated on |
/// | `gaussian.safetensors` | a Gaussian density of the training images |
/// | `calibration.json` | scores of held-out normal images |
/// | `experts.json`, `global-N.safetensors` | of larger images: the global expert and what both say of held-out images |
/// | `lock` | held while a training writes the run |
///
/// ```swift
/// let run = try RunFolder.create(at: "runs/digits", configuration: configuration)
/// try TensorFile.write(parameters, to: run.weightsFile)
/// ```
///
/// A value that `create` or `resume` made holds the run's lock until the last copy of it is gone;
/// one that `open` made holds none, and is for reading.
public struct RunFolder: Sendable {
  public let path: String
  private let lock: RunLock?

  public var configurationFile: String { file("config.json") }
  public var weightsFile: String { file("weights.safetensors") }
  public var checkpointFile: String { file("checkpoint.safetensors") }
  public var metricsFile: String { file("metrics.jsonl") }
  public var eventsFolder: String { file("events") }
  public var samplesFolder: String { file("samples") }
  public var calibrationFile: String { file("calibration.json") }
  public var gaussianFile: String { file("gaussian.safetensors") }
  public var seenImagesFile: String { file("seen.bin") }
  public var expertsFile: String { file("experts.json") }
  /// The global expert's density for a fold of the images.
  public func globalExpertFile(_ fold: Int) -> String { file("global-\(fold).safetensors") }
  /// Files that `train` could not read, where there were any.
  public var unreadableFile: String { file("unreadable.csv") }
  /// Files that `calibrate` could not read, where there were any.
  public var calibrationUnreadableFile: String { file("calibration-unreadable.csv") }

  /// False where a training was killed before its first checkpoint: it starts again from nothing.
  public var hasCheckpoint: Bool { access(checkpointFile, F_OK) == 0 }

  /// False for runs of earlier versions.
  public var knowsSeenImages: Bool { access(seenImagesFile, F_OK) == 0 }
  public var hasWeights: Bool { access(weightsFile, F_OK) == 0 }

  /// False of a folder that was claimed for a run which has not begun.
  public var hasConfiguration: Bool { access(configurationFile, F_OK) == 0 }

  /// Makes a new run at `path`, a folder that is new or empty. Throws a `FileError` where it holds
  /// a run or anything else, or where the system refuses.
  public static func create(
    at path: String, configuration: some Encodable
  ) throws -> RunFolder {
    let run = try claim(path)
    try run.writeConfiguration(configuration)
    return run
  }

  /// Refuses what `create` would: for the start of long work. Throws a `FileError`.
  public static func requireFree(_ path: String) throws {
    if try folderExists(at: path) { try refuseIfOccupied(path) }
  }

  /// Makes the folder of a run that is to be begun. Until its configuration is written it is none: where
  /// that never comes, however the process ends, the next one may take its place. Throws as `create`
  /// does.
  public static func claim(_ path: String) throws -> RunFolder {
    try requireFree(path)
    try makeFolder(path)
    let run = try RunFolder(path: path, lock: RunLock(at: file("lock", in: path)))
    // Again, now that no other training can be doing the same.
    try refuseIfOccupied(path)
    try run.removeTemporaries()
    try makeFolder(run.eventsFolder)
    try makeFolder(run.samplesFolder)
    return run
  }

  /// Opens the run at `path` for training to go on. Throws a `FileError` where there is none, where
  /// another training is writing it, or where there are trained weights but no checkpoint to go on
  /// from: starting again from nothing would overwrite them.
  public static func resume(at path: String) throws -> RunFolder {
    let found = try open(at: path)
    guard found.hasCheckpoint || !found.hasWeights else {
      throw FileError(
        found.checkpointFile, expected: "the checkpoint that goes with weights.safetensors",
        found: "nothing; training anew would overwrite those weights: choose another --run")
    }
    let run = try RunFolder(path: path, lock: RunLock(at: file("lock", in: path)))
    try run.removeTemporaries()
    try makeFolder(run.eventsFolder)
    try makeFolder(run.samplesFolder)
    return run
  }

  /// Opens the run at `path` for reading. Throws a `FileError` where there is none.
  public static func open(at path: String) throws -> RunFolder {
    let run = RunFolder(path: path, lock: nil)
    guard try folderExists(at: path) else {
      throw FileError(path, expected: "a run folder", found: "nothing")
    }
    guard run.hasConfiguration else {
      throw FileError(
        run.configurationFile, expected: "the configuration of a run", found: "nothing")
    }
    return run
  }

  /// Replaces `config.json`, atomically.
  public func writeConfiguration(_ configuration: some Encodable) throws {
    try JSONFile.write(configuration, to: configurationFile)
  }

  /// Reads `config.json`. Throws a `FileError` that names the field that is missing or wrong.
  public func readConfiguration<Configuration: Decodable>(
    _ type: Configuration.Type
  ) throws -> Configuration {
    try JSONFile.read(type, from: configurationFile)
  }
}

extension RunFolder {
  private func file(_ name: String) -> String { Self.file(name, in: path) }

  /// A shell completes folders with a slash.
  private static func file(_ name: String, in path: String) -> String {
    path.hasSuffix("/") ? path + name : "\(path)/\(name)"
  }

  private static func folderExists(at path: String) throws -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT { return false }
      throw FileError(path, cannot: "open")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw FileError(path, expected: "a run folder", found: "a file")
    }
    return true
  }

  private static func contents(of path: String) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw FileError(path, cannot: "list", error)
    }
  }

  private static func refuseIfOccupied(_ path: String) throws {
    let names = try contents(of: path)
    if names.contains("config.json") {
      throw FileError(
        path, expected: "a new or empty folder",
        found: "a run; go on with it by --resume, or choose another --run")
    }
    // A training that ended before it began leaves no more than these.
    let ours = ["lock", "events", "samples", "seen.bin", "unreadable.csv"]
    let others = names.filter { !ours.contains($0) && !$0.hasSuffix(AtomicFile.temporarySuffix) }
    if let other = others.min() {
      throw FileError(
        path, expected: "a new or empty folder", found: "\(other.quoted); choose another --run")
    }
  }

  /// Removes what atomic writes of a killed process left behind.
  private func removeTemporaries() throws {
    for name in try Self.contents(of: path)
    where name.hasPrefix(".") && name.hasSuffix(AtomicFile.temporarySuffix) {
      unlink(file(name))
    }
  }
}
