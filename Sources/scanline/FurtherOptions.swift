import ArgumentParser
import Detection
import Training

/// Scores that take passes of their own.
struct FurtherOptions: ParsableArguments {
  @Option(
    name: .customLong("with"), parsing: .singleValue,
    help: ArgumentHelp(
      "Also a score that takes passes of its own: stirring (7), shaking (9),"
        + " disagreement of the orders that the run knows (8), gradient (3 to 5 an image); may be"
        + " repeated.", valueName: "name"))
  var names: [String] = []

  @Option(
    help: ArgumentHelp(
      "Also ratio: nats beyond those by this run, of short reach say, over the same images.",
      valueName: "run"))
  var against: String?

  func validate() throws {
    if let against { try requirePath("--against", against) }
    let known = Score.further.map(\.name)
    for name in names where !known.contains(name) {
      throw ValidationError(
        "--with: expected one of \(known.joined(separator: ", ")), found \(name)")
    }
    if names.contains("ratio") && against == nil {
      throw ValidationError("--with ratio: expected --against and a run, found none")
    }
  }

  /// What is asked for of a run.
  /// - Parameter score: what images are judged by, where that is told.
  func scores(of run: RunInUse, judgedBy score: String? = nil) throws -> FurtherScores {
    let names = names + [score].compactMap(\.self).filter(Score.further.map(\.name).contains)
    if run.trained.configuration.experts == true, let flag = flag(names) {
      throw ValidationError("\(flag): expected none with a run of both experts")
    }
    if names.contains("ratio") && against == nil {
      throw ValidationError("--score ratio: expected --against and a run, found none")
    }
    let precision = run.trained.context.precision
    return try FurtherScores(
      names, against: try against.map { try TrainedModel(run: $0, precision: precision) })
  }

  private func flag(_ names: [String]) -> String? {
    against != nil ? "--against" : names.first.map { "--with \($0)" }
  }
}
