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

  /// Refuses a model by its weights, before it is built.
  /// - Throws: `CommandError`; `ModelError` for one that no machine holds.
  func checkWeights() throws {
    let memory: Int
    do {
      memory = try model.bytesToTrain()
    } catch let error as ModelError {
      throw CommandError("\(error); \(advice)")
    }
    // Bytes on the disk and in memory: 20 and 24 a weight.
    try check(disk: memory / 24 * 20, memory: memory, seconds: 0)
  }

  /// Refuses a training by what it takes.
  func check(_ cost: TrainingCost) throws {
    try check(disk: cost.diskBytes, memory: cost.memoryBytes, seconds: cost.secondsPerStep)
  }

  private func check(disk: Int, memory: Int, seconds: Double) throws {
    let name = "\(run): \(model.name) on \(model.image) with \(model.head.levels) levels"
    let machine = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    if memory >= machine {
      throw CommandError(
        "\(name): expected to fit in \(bytes(machine)) of memory, needs \(bytes(memory)); \(advice)"
      )
    }
    // A checkpoint is written beside the one that it replaces.
    let room = disk + disk / 5 * 4
    if let free = freeBytes, free < room {
      throw CommandError(
        "\(name): expected \(bytes(room)) free on the disk, found \(bytes(free)); \(advice)")
    }
    guard !isMeant,
      disk > Self.mostOnDisk || memory > machine / 4 * 3 || seconds > Self.mostSeconds
    else { return }
    let pace = seconds > 0 ? ", about \(significant(seconds)) s a step" : ""
    throw CommandError(
      "\(name): takes \(bytes(disk)) on the disk, \(bytes(memory)) of memory\(pace); \(advice), or"
        + " --large if you mean it")
  }

  /// Flags that make it smaller.
  var advice: String {
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

extension Train {
  func size(of model: ModelSpecification) -> TrainingSize {
    TrainingSize(run: runPath, model: model, isMeant: large)
  }
}

/// `512 bytes`, `1.2 MB`, `3.1 GB`.
func bytes(_ count: Int) -> String {
  var (value, unit) = (Double(count), "bytes")
  for next in ["kB", "MB", "GB", "TB", "PB"] where value >= 999.5 {
    (value, unit) = (value / 1000, next)
  }
  return "\(value < 10 && unit != "bytes" ? fixed(value, 1) : fixed(value, 0)) \(unit)"
}
