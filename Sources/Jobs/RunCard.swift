import Foundation
import Models
import RunFiles
import Training

/// What an exported run is, for people: Markdown.
struct RunCard {
  let text: String

  init(_ job: ExportJob, _ parameters: Int, _ results: [PublishedResult], _ path: String) throws {
    let run = try RunFolder.open(at: path)
    let configuration = try RunConfiguration.read(from: run)
    let last = try MetricsLog.rows(of: run.metricsFile).last
    let model = configuration.model
    let settings = model.settings.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
    let components = model.head.components.map { ", \($0) components" } ?? ""
    let name = shortPath(path)
    let folder = name.contains("/") ? name.prefix(through: name.lastIndex(of: "/")!) : ""
    func number(_ value: Double, _ decimals: Int) -> String {
      String(format: "%.\(decimals)f", value)
    }
    func withError(_ value: Double, _ error: Double?, _ decimals: Int) -> String {
      number(value, decimals) + (error.map { " ± \(number($0, decimals))" } ?? "")
    }
    let length = last.map { row in
      "\(row.epoch) epochs, \(row.step) steps, \(number(row.seconds / 60, 1)) minutes"
        + (configuration.start.map { ", from the weights of `\($0.run)`" } ?? "")
    }
    let tests = results.map { result in
      (
        "test",
        "**\(withError(result.natsPerImage, result.natsStandardError, 2)) nats an image**,"
          + " \(withError(result.bitsPerDimension, result.bitsPerDimensionStandardError, 4))"
          + " bits/dim: \(result.images) images of `\(result.data)`"
          + (result.orders > 1 ? ", mean over \(result.orders) orders" : "")
          + (result.also.map { ", and over \($0.map { "`\($0)`" }.joined(separator: ", "))" } ?? "")
      )
    }
    let rows: [(String, String)] =
      [
        ("model", "`\(model.name)`\(settings.joined())"),
        ("head", "\(model.head.kind.name), \(model.head.levels) levels\(components)"),
        ("images", "\(model.image), pixels \(configuration.pixels)"),
        ("parameters", "\(parameters), stored as \(job.precision.rawValue)"),
        (
          "data",
          (job.dataName.map { "\($0): " } ?? "")
            + "\(configuration.data.trainingImages) images of `\(configuration.data.path)`"
        ),
        ("licence of the data", job.licence ?? "its authors'; no image is in this folder"),
        ("training", length ?? "in closed form"),
      ] + tests
    let commands = results.map { result in
      "scanline evaluate \(name) \(result.data)"
        + (result.orders > 1 ? " --orders \(result.orders)" : "")
        + (result.also ?? []).map { " --also \(folder)\($0)" }.joined()
    }
    text = """
      # \(name.split(separator: "/").last ?? "run")

      | | |
      |---|---|
      \(rows.map { "| \($0.0) | \($0.1) |" }.joined(separator: "\n"))

      Trained by

      ```sh
      \(job.command ?? configuration.trainingWords(to: "runs/new").joined(separator: " "))
      ```

      and selected on validation. To look at it:

      ```sh
      scanline sample \(name) --count 64 --out samples
      scanline verify \(name)
      \(commands.joined(separator: "\n"))
      ```

      `scanline export` wrote this folder: weights for use alone, from which training cannot go on.

      """
  }
}
