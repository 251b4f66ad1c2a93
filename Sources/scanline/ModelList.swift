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
    let result = Result(
      models: (ModelFamily.all + ModelFamily.classifiers).map(Family.init),
      heads: Head.Kind.allCases.map(HeadKind.init))
    try common.console.result(
      result, text: (result.models.map(\.text) + [result.table]).joined(separator: "\n\n"))
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let models: [Family]
    let heads: [HeadKind]

    /// Families by heads.
    var table: String {
      let width = models.map(\.name.count).max()! + 2
      func line(_ first: String, _ rest: [String]) -> String {
        let cells = zip(rest, heads).map { $0.padded(to: $1.name.count + 2) }
        return ([first.padded(to: width)] + cells).joined().trimmedAtEnd
      }
      let rows = models.filter { !$0.classifier }.map { model in
        line(model.name, heads.map { Self.words[model.heads[$0.name]!]! })
      }
      let formulas = heads.map { "\($0.name): \($0.summary)\($0.limits)" }
      return ([line("--head", heads.map(\.name))] + rows + [""] + formulas).joined(separator: "\n")
    }

    private static let words: [ModelFamily.Images: String] = [
      .all: "yes", .grey: "grey", .none: "-",
    ]
  }

  private struct HeadKind: Encodable {
    let name: String
    let summary: String
    let levels: [Int]
    let components: [Int]?

    init(_ kind: Head.Kind) {
      (name, summary) = (kind.name, kind.summary)
      levels = [kind.levels.lowerBound, kind.levels.upperBound]
      components = kind.components.map { [$0.lowerBound, $0.upperBound] }
    }

    var limits: String {
      let counts = levels[0] == levels[1] ? "\(levels[0])" : "\(levels[0]) ... \(levels[1])"
      return "; \(counts) levels"
        + (components.map { ", --components \($0[0]) ... \($0[1])" } ?? "")
    }
  }

  private struct Family: Encodable {
    let name: String
    let summary: String
    let settings: [Setting]
    let batch: Int
    let learningRate: Double
    let precision: String
    let optimiser: OptimiserName
    let closedForm: Bool
    let classifier: Bool
    /// By the head's name, which images can be learned with it.
    let heads: [String: ModelFamily.Images]

    init(_ family: ModelFamily) {
      name = family.name
      summary = family.summary
      settings = family.settings.map {
        Setting(name: $0.name, default: $0.defaultValue, help: $0.help)
      }
      batch = family.batch
      learningRate = family.learningRate
      precision = family.precision.rawValue
      optimiser = family.optimiser
      closedForm = family.isClosedForm
      classifier = family.isClassifier
      heads = Dictionary(
        uniqueKeysWithValues: Head.Kind.allCases.map { ($0.name, family.images(with: $0)) })
    }

    var text: String {
      let lines = settings.map { "  --set \($0.name)=\($0.default)  \($0.help)" }
      let training =
        "  --batch \(batch) --learning-rate \(learningRate) --optimiser \(optimiser)"
        + " --precision \(precision)"
      let fitting = "  fitted in closed form: takes --classes, but no --orders"
      return (["\(name): \(summary)"] + lines + [closedForm ? fitting : training])
        .joined(separator: "\n")
    }
  }

  private struct Setting: Encodable {
    let name: String
    let `default`: String
    let help: String
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }

  fileprivate var trimmedAtEnd: String {
    String(self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)])
  }
}
