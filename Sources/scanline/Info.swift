import ArgumentParser
import Detection
import Foundation
import Images
import Models
import RunFiles
import Training

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Say what a run is.")

  @OptionGroup var runFolder: RunArgument

  @OptionGroup var common: CommonOptions

  func run() throws {
    let result = try Result(TrainedModel(run: runFolder.path), path: runFolder.path)
    try common.console.result(result, text: result.text)
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let run: String
    let model: String
    let settings: [String: String]
    let image: ImageShape
    let head: String
    let levels: Int
    let pixels: String
    let parameters: Int
    let seed: UInt64
    let data: DataDescription
    let training: Training
    /// Done so far.
    let epochs: Int
    let steps: Int
    let seconds: Double
    let trainBitsPerDimension: OrNull
    /// The lowest: that of the weights in the run.
    let validationNatsPerImage: OrNull
    let calibration: CalibrationSummary?
    let files: [String]

    init(_ trained: TrainedModel, path: String) throws {
      let configuration = trained.configuration
      run = path
      model = configuration.model.name
      settings = configuration.model.settings
      image = configuration.model.image
      head = configuration.model.head.kind.name
      levels = configuration.model.head.levels
      pixels = configuration.pixels.description
      parameters = trained.parameterCount
      seed = configuration.seed
      data = configuration.data
      training = Training(configuration.training)
      let names = try FileManager.default.contentsOfDirectory(atPath: path)
      files = names.filter { !$0.hasPrefix(".") }.sorted()
      let rows =
        names.contains("metrics.jsonl") ? try MetricsLog.rows(of: trained.run.metricsFile) : []
      epochs = rows.last?.epoch ?? 0
      steps = rows.last?.step ?? 0
      seconds = rows.last?.seconds ?? 0
      trainBitsPerDimension = OrNull(rows.last?.trainBitsPerDimension)
      validationNatsPerImage = OrNull(rows.compactMap(\.validationNatsPerImage).min())
      calibration =
        names.contains("calibration.json")
        ? CalibrationSummary(try Calibration(contentsOf: trained.run.calibrationFile)) : nil
    }

    var text: String {
      let settings = settings.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
      let validation = validationNatsPerImage.value.map { ", validation \(fixed($0, 2)) nats" }
      let train = trainBitsPerDimension.value.map { ", train \(fixed($0, 4)) bits/dim" }
      let classes = (data.trainingImagesByClass ?? [:])
        .sorted { $0.key.compare($1.key, options: .numeric) == .orderedAscending }
        .map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      return [
        ("run", run),
        ("model", model + settings),
        ("images", "\(image), pixels \(pixels)"),
        ("head", "\(head), \(levels) levels"),
        ("parameters", "\(parameters)"),
        (
          "data",
          "\(data.path), \(data.trainingImages) images\(classes.isEmpty ? "" : ": \(classes)")"
        ),
        ("validation", "\(data.validationPath ?? "split off"), \(data.validationImages) images"),
        ("training", training.text),
        (
          "done",
          "\(epochs) epochs, \(steps) steps in \(duration(seconds))\(train ?? "")\(validation ?? "")"
        ),
        ("calibrated", calibration.map { "\($0.images) images: \($0.data)" } ?? "no"),
        ("files", files.joined(separator: " ")),
      ].map { $0.padding(toLength: 12, withPad: " ", startingAt: 0) + $1 }
        .joined(separator: "\n")
    }
  }

  /// How the run was to be trained.
  private struct Training: Encodable {
    let epochs: Int?
    let minutes: Double?
    let batch: Int
    let learningRate: Double
    let weightDecay: Double
    let precision: String

    init(_ options: TrainingOptions) {
      switch options.duration {
      case .epochs(let count): (epochs, minutes) = (count, nil)
      case .minutes(let count): (epochs, minutes) = (nil, count)
      }
      batch = options.batch
      learningRate = options.learningRate
      weightDecay = options.weightDecay
      precision = options.precision.rawValue
    }

    var text: String {
      let duration = epochs.map { "\($0) epochs" } ?? minutes.map { "\($0) minutes" } ?? ""
      return "\(duration), batch \(batch), learning rate \(learningRate), weight decay"
        + " \(weightDecay), \(precision)"
    }
  }

  private struct CalibrationSummary: Encodable {
    let images: Int
    let data: String

    init(_ calibration: Calibration) {
      images = calibration.count
      data = calibration.data
    }
  }
}
