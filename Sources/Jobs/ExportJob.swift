import Files
import Foundation
import Images
import Models
import RunFiles
import Training

/// A run made small enough to give away: its weights alone, how it went, and a card that says what it is
/// and how likely test images are to it.
///
/// ```swift
/// let job = ExportJob(of: "runs/nade", test: "binarized-mnist/test.amat")
/// let outcome = try job.run(to: "runs/static-mnist-nade")
/// ```
///
/// What it leaves can be used as any run, but not trained further. Its figures are those of the weights
/// as they are stored, so that anybody finds the same. Of the images' paths the last two names are kept.
public struct ExportJob {
  public enum Event: Sendable {
    case reading(Reading)
    /// So many test images are evaluated, of so many.
    case evaluating(done: Int, of: Int)
  }

  /// What came of it.
  public struct Outcome: Sendable {
    public let run: String
    public let card: String
    /// Of the run alone; then with the further ones, where there are any.
    public let results: [PublishedResult]
    /// Bytes of all its files.
    public let bytes: Int
  }

  /// The run's folder.
  public let source: String
  /// Test images, a folder or a file.
  public let test: String
  /// Over which probabilities are averaged: so many of the run's orders.
  public var orders = 1
  /// Exported runs beside it: the figures of the mean of all probabilities are told too.
  public var others: [String] = []
  public var precision = StoredPrecision.float16
  /// What the images are, in words; and what may be done with them.
  public var dataName: String?
  public var licence: String?
  /// What it was trained by, where that is shorter than `scanline train …`.
  public var command: String?

  public init(of source: String, test: String) {
    self.source = source
    self.test = test
  }

  /// - Parameter watch: told of what happens; answers whether to go on.
  /// - Returns: nil where it was stopped; then, as where it fails, no folder is left.
  /// - Throws: `OptionError` for orders that the run does not know, `FileError` for a run or images that
  ///   cannot be read and a folder that cannot be made.
  public func run(
    to path: String, watch: @escaping (Event) -> Bool = { _ in true }
  ) throws -> Outcome? {
    let trained = try TrainedModel(run: source)
    try requireExportable(trained)
    try RunFolder.requireFree(path)
    let isNew = !FileManager.default.fileExists(atPath: path)
    try makeFolder(path)
    var isWhole = false
    defer { if !isWhole { discard(path, isNew: isNew) } }

    try JSONFile.write(trained.configuration.withShortPaths, to: file("config.json", path))
    try trained.writeWeights(to: file("weights.safetensors", path), as: precision)
    try AtomicFile.write(
      try OpenFile.contents(of: trained.run.metricsFile), to: file("metrics.jsonl", path))
    guard let results = try results(of: path, watch) else { return nil }
    try JSONFile.write(results, to: file("results.json", path))
    let card = file("README.md", path)
    let text = try RunCard(self, trained.parameterCount, results, path).text
    try AtomicFile.write(Array(text.utf8), to: card)
    isWhole = true
    let bytes = try names.reduce(0) { try $0 + OpenFile(reading: file($1, path)).size }
    return Outcome(run: path, card: card, results: results, bytes: bytes)
  }

  private var names: [String] {
    ["config.json", "weights.safetensors", "metrics.jsonl", "results.json", "README.md"]
  }

  private func file(_ name: String, _ path: String) -> String { "\(path)/\(name)" }

  private func discard(_ path: String, isNew: Bool) {
    for name in names { unlink(file(name, path)) }
    if isNew { rmdir(path) }
  }

  private func requireExportable(_ trained: TrainedModel) throws {
    if trained.configuration.experts == true {
      throw FileError(source, expected: "a run of a single model", found: "one of both experts")
    }
    guard let known = trained.model.knownOrders else { return }
    try OptionError.require(
      "--orders", orders, "at most \(known), in which \(source) was trained"
    ) { $0 <= known }
  }

  private func results(
    of path: String, _ watch: @escaping (Event) -> Bool
  ) throws -> [PublishedResult]? {
    var job = EvaluationJob(try TrainedModel(run: path), data: test)
    job.others = try others.map { try TrainedModel(run: $0) }
    job.orders = orders
    let outcome = try job.run { event in
      switch event {
      case .reading(let reading): watch(.reading(reading))
      case .evaluating(let done, let total): watch(.evaluating(done: done, of: total))
      }
    }
    guard let outcome else { return nil }
    let own = PublishedResult(outcome.own, job, also: [], name: dataName)
    return others.isEmpty
      ? [own] : [own, PublishedResult(outcome.likelihood, job, also: others, name: dataName)]
  }
}

/// How likely test images are to an exported run: `results.json`.
public struct PublishedResult: Codable, Equatable, Sendable {
  /// The last two names of the images' path.
  public let data: String
  /// What they are, in words.
  public let name: String?
  public let images: Int
  public let orders: Int
  /// Names of runs beside this one, over which probabilities are averaged as well.
  public let also: [String]?
  public let natsPerImage: Double
  /// Nil of a single image.
  public let natsStandardError: Double?
  public let bitsPerDimension: Double
  public let bitsPerDimensionStandardError: Double?

  init(
    _ likelihood: LikelihoodSummary, _ job: EvaluationJob, also others: [String], name: String?
  ) {
    (data, self.name, orders) = (shortPath(job.data), name, job.orders)
    also = others.isEmpty ? nil : others.map { URL(filePath: $0).lastPathComponent }
    images = likelihood.nats.count
    natsPerImage = likelihood.natsPerImage
    let error = images > 1 ? likelihood.standardError : nil
    natsStandardError = error
    bitsPerDimension = likelihood.bitsPerDimension
    bitsPerDimensionStandardError = error.map(likelihood.bitsPerDimension)
  }

  private enum CodingKeys: String, CodingKey {
    case data, name, images, orders, also
    case natsPerImage = "nats_per_image"
    case natsStandardError = "nats_standard_error"
    case bitsPerDimension = "bits_per_dimension"
    case bitsPerDimensionStandardError = "bits_per_dimension_standard_error"
  }
}

extension RunConfiguration {
  /// Without the folders of the machine that it was trained on.
  fileprivate var withShortPaths: RunConfiguration {
    var result = self
    result.data.path = shortPath(data.path)
    result.data.validationPath = data.validationPath.map(shortPath)
    // Additions have to find the run that they are added to.
    if let start, start.adapters == nil { result.start?.run = shortPath(start.run) }
    return result
  }
}

/// The last two names of a path.
func shortPath(_ path: String) -> String {
  path.split(separator: "/").suffix(2).joined(separator: "/")
}
