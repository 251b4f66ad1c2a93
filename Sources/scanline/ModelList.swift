import ArgumentParser
import CPU
import Heads
import Models
import Tensors

struct ModelList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "Say what can be trained, and with which settings.")

  @OptionGroup var common: CommonOptions

  func run() throws {
    let result = Result(models: ModelFamily.all.map(Family.init))
    try common.console.result(result, text: result.models.map(\.text).joined(separator: "\n\n"))
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let models: [Family]
  }

  private struct Family: Encodable {
    let name: String
    let summary: String
    let settings: [Setting]
    let batch: Int
    let learningRate: Double
    let precision: String

    init(_ family: ModelFamily) {
      name = family.name
      summary = family.summary
      settings = family.settings.map {
        Setting(name: $0.name, default: $0.defaultValue, help: $0.help)
      }
      batch = family.batch
      learningRate = family.learningRate
      precision = family.precision.rawValue
    }

    var text: String {
      let lines = settings.map { "  --set \($0.name)=\($0.default)  \($0.help)" }
      return
        (["\(name): \(summary)"] + lines + [
          "  --batch \(batch) --learning-rate \(learningRate) --precision \(precision)"
        ]).joined(separator: "\n")
    }
  }

  private struct Setting: Encodable {
    let name: String
    let `default`: String
    let help: String
  }
}
