import ArgumentParser
import Training

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Say what a run is.")

  @OptionGroup var runFolder: RunArgument

  @OptionGroup var common: CommonOptions

  func run() throws {
    let result = try RunReport(TrainedModel(run: runFolder.path), path: runFolder.path)
    try common.console.result(result, text: result.text)
  }
}
