import Detection
import Foundation
import Images
import Models
import RunFiles
import Training

/// What `info` prints of a run.
struct RunReport: Encodable {
  let run: String
  let model: String
  let settings: [String: String]
  let image: ImageShape
  let head: String
  let levels: Int
  /// Of a mixture.
  let components: Int?
  let orders: Int?
  let pixels: String
  let parameters: Int
  let seed: UInt64
  let data: DataDescription
  /// Null where images are learned whole.
  let crops: CropOptions?
  let experts: Bool
  let training: TrainingPlan
  /// Schedules that ended before it.
  let earlier: [TrainingPlan]
  /// Done so far; nil where nothing in the run says it.
  let epochs: Int?
  let steps: Int?
  let seconds: Double?
  let trainBitsPerDimension: OrNull
  /// The lowest: that of the weights in the run.
  let validationNatsPerImage: OrNull
  let validationBitsPerDimension: OrNull
  let calibration: CalibrationSummary?
  let files: [String]
  /// Whether it tells classes, and losses are of labels.
  let isClassifier: Bool

  init(
    _ configuration: RunConfiguration, of folder: RunFolder, parameters count: Int, path: String
  ) throws {
    run = path
    model = configuration.model.name
    settings = configuration.model.settings
    image = configuration.model.image
    isClassifier = configuration.model.family.isClassifier
    self.head = configuration.model.head.kind.rawValue
    let head = configuration.model.head
    (levels, components, orders) = (head.levels, head.components, configuration.model.orders)
    pixels = configuration.pixels.description
    parameters = count
    seed = configuration.seed
    data = configuration.data
    crops = configuration.crops
    experts = configuration.experts == true
    training = TrainingPlan(configuration.training)
    earlier = (configuration.earlier ?? []).map { TrainingPlan($0.training) }
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
    files = names.filter { !$0.hasPrefix(".") }.sorted()
    let rows =
      names.contains("metrics.jsonl") ? try MetricsLog.rows(of: folder.metricsFile) : []
    // Before the end of its first epoch a training has no row, but perhaps a checkpoint.
    let standing = try rows.isEmpty ? configuration.standing(of: folder) : nil
    epochs = rows.last?.epoch ?? standing?.epochs
    steps = rows.last?.step ?? standing?.steps
    seconds = rows.last?.seconds ?? standing?.seconds
    trainBitsPerDimension = OrNull(rows.last?.trainBitsPerDimension)
    let best = rows.compactMap(\.validationNatsPerImage).min()
    validationNatsPerImage = OrNull(best)
    validationBitsPerDimension = OrNull(
      best.map { $0 / (Double(configuration.model.dimension) * log(2)) })
    calibration =
      names.contains("calibration.json")
      ? CalibrationSummary(try Calibration(contentsOf: folder.calibrationFile)) : nil
  }

  var text: String {
    let settings = settings.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    let validation = validationBitsPerDimension.value.map { bits in
      ", best validation \(fixed(bits, 4)) \(lossUnit(isClassifier))"
        + " (\(fixed(validationNatsPerImage.value ?? .nan, 2)) nats)"
    }
    let train = trainBitsPerDimension.value.map {
      ", train \(fixed($0, 4)) \(lossUnit(isClassifier))"
    }
    let byClass = (data.trainingImagesByClass ?? [:])
      .sorted { $0.key.compare($1.key, options: .numeric) == .orderedAscending }
    let listed = byClass.map { "\($0) \($1)" }.joined(separator: ", ")
    let classes = listed.isEmpty ? "" : ": " + listed
    let mixture = components.map { ", \($0) components" } ?? ""
    return [
      ("run", run),
      ("model", model + settings + (orders.map { ", \($0) orders" } ?? "")),
      ("images", "\(image)\(cropped), pixels \(pixels)"),
      ("head", "\(head), \(levels) levels\(mixture)"),
      ("parameters", "\(parameters)"),
      ("data", "\(data.path), \(data.trainingImages) images\(classes)"),
      ("validation", "\(data.validationPath ?? "split off"), \(data.validationImages) images"),
      ("set aside", setAside),
      ("training", (earlier.map(\.length) + [training.text]).joined(separator: ", then to ")),
      ("done", done + (train ?? "") + (validation ?? "")),
      (
        "calibrated",
        isClassifier
          ? "by temperature" : calibration.map { "\($0.images) images: \($0.data)" } ?? "no"
      ),
      ("files", files.joined(separator: " ")),
    ].map { $0.padding(toLength: 12, withPad: " ", startingAt: 0) + $1 }
      .joined(separator: "\n")
  }

  private var setAside: String {
    guard let held = data.heldOut else { return "no images" }
    return counted(held.images, "image") + (held.groupBy.map { ", by \($0)" } ?? "")
  }

  private var cropped: String {
    guard let crops else { return "" }
    return " crops at scale \(crops.scale)" + (experts ? ", both experts" : "")
  }

  private var done: String {
    guard let epochs, let steps else { return "not recorded" }
    let time = seconds.map { " in \(duration($0))" } ?? ""
    return "\(counted(epochs, "epoch")), \(counted(steps, "step"))\(time)"
  }
}
