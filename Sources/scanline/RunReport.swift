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
}
