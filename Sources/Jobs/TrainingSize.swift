import Files
import Foundation
import Models
import Training

/// Whether a training is larger, or its steps slower, than most people want: they have left out a flag
/// more often than they mean it.
struct TrainingSize {
  let run: String
  let model: ModelSpecification
  /// Whether it is meant.
  let isMeant: Bool

  private static let mostOnDisk = 2_000_000_000
  private static let mostSeconds = 10.0

  init(_ request: TrainingRequest, _ model: ModelSpecification) {
    run = request.run
    self.model = model
    isMeant = request.mayBeLarge
  }

  /// Refuses a model by its weights, before it is built.
  /// - Throws: `SizeError`, also for one that no machine holds.
  func checkWeights() throws {
    let memory: Int
    do {
      memory = try model.bytesToTrain()
    } catch let error as ModelError {
      throw SizeError(run, model, .impossible(error))
    }
    // Bytes on the disk and in memory: 20 and 24 a weight.
    try check(disk: memory / 24 * 20, memory: memory, seconds: 0)
  }

  /// Refuses a training by what it takes.
  func check(_ cost: TrainingCost) throws {
    try check(disk: cost.diskBytes, memory: cost.memoryBytes, seconds: cost.secondsPerStep)
  }

  private func check(disk: Int, memory: Int, seconds: Double) throws {
    let machine = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    if memory >= machine {
      throw SizeError(run, model, .memory(needed: memory, found: machine))
    }
    // A checkpoint is written beside the one that it replaces.
    let room = disk + disk / 5 * 4
    if let free = freeBytes, free < room {
      throw SizeError(run, model, .disk(needed: room, found: free))
    }
    guard !isMeant,
      disk > Self.mostOnDisk || memory > machine / 4 * 3 || seconds > Self.mostSeconds
    else { return }
    throw SizeError(
      run, model, .unusual(disk: disk, memory: memory, secondsPerStep: seconds > 0 ? seconds : nil))
  }

  /// Bytes free where the run is to be, or where its folder would be made.
  private var freeBytes: Int? {
    var path = URL(fileURLWithPath: run)
    var status = statvfs()
    while statvfs(path.path, &status) != 0 {
      guard path.path != "/" else { return nil }
      path.deleteLastPathComponent()
    }
    return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
  }
}

/// A training that does not fit, or that few people mean; its description says what makes it smaller.
public struct SizeError: Error, Sendable, CustomStringConvertible {
  public enum Problem: Equatable, Sendable {
    /// No machine, or not this one, can hold the model or its steps.
    case impossible(ModelError)
    /// Bytes of memory.
    case memory(needed: Int, found: Int)
    /// Bytes on the disk.
    case disk(needed: Int, found: Int)
    /// It can be done, and hardly anybody wants it; bytes and, where it was measured, seconds.
    case unusual(disk: Int, memory: Int, secondsPerStep: Double?)
  }

  /// The folder of the run.
  public let run: String
  public let model: ModelSpecification
  public let problem: Problem

  init(_ run: String, _ model: ModelSpecification, _ problem: Problem) {
    self.run = run
    self.model = model
    self.problem = problem
  }

  public var description: String {
    let name = "\(run): \(model.name) on \(model.image) with \(model.head.levels) levels"
    switch problem {
    case .impossible(let why): return "\(why); \(advice)"
    case .memory(let needed, let found):
      return
        "\(name): expected to fit in \(bytes(found)) of memory, needs \(bytes(needed)); \(advice)"
    case .disk(let needed, let found):
      return "\(name): expected \(bytes(needed)) free on the disk, found \(bytes(found)); \(advice)"
    case .unusual(let disk, let memory, let seconds):
      let pace = seconds.map { String(format: ", about %.3g s a step", $0) } ?? ""
      return "\(name): takes \(bytes(disk)) on the disk, \(bytes(memory)) of memory\(pace);"
        + " \(advice), or --large if you mean it"
    }
  }

  /// Flags that make it smaller.
  public var advice: String {
    let image = model.image
    var flags: [String] = []
    let side = max(image.width, image.height)
    if side > 32 {
      func shortened(_ length: Int) -> Int {
        max(1, Int((32 * Double(length) / Double(side)).rounded()))
      }
      flags.append("--size \(shortened(image.width))x\(shortened(image.height))")
    }
    if model.head.levels > 16 { flags.append("--levels 16") }
    return flags.isEmpty ? "try smaller settings" : "try \(flags.joined(separator: " or "))"
  }
}
