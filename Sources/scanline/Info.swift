import ArgumentParser
import Models
import RunFiles
import Training

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Say what a run is.")

  @OptionGroup var runFolder: RunArgument

  @OptionGroup var common: CommonOptions

  func run() throws {
    let result = try report()
    try common.console.result(result, text: result.text)
  }

  private func report() throws -> RunReport {
    let (path, folder) = (runFolder.path, try RunFolder.open(at: runFolder.path))
    let configuration = try RunConfiguration.read(from: folder)
    let parameters =
      try configuration.model.family.isClassifier
      ? TrainedClassifier(run: path).parameterCount : TrainedModel(run: path).parameterCount
    return try RunReport(configuration, of: folder, parameters: parameters, path: path)
  }
}
