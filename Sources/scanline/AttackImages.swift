import ArgumentParser
import Attacks
import Foundation
import Images
import Jobs
import Reports
import Training

struct AttackImages: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attack",
    abstract: "Move images so that a classifier takes them for what they are not.",
    discussion: """
      RUN is a classifier (train --model resnet), DATA images of its classes, labelled as train labels \
      them. Writes images/CLASS/, PNG files of eight bits, and judges them as these; attack.csv; and \
      sheet.png: image, attacked, moves (orange: brighter, blue: darker).

      Methods:
      \(AttackMethod.list)

      Example: scanline attack runs/shoes test --method pgd --epsilon 8 --out attacked
      """)

  @OptionGroup var runFolder: RunArgument

  @Argument(help: "The images: a folder of a folder a class, an IDX or CIFAR file.")
  var data: String

  @Option(
    name: .customLong("out"), help: ArgumentHelp("The folder to write to.", valueName: "folder"))
  var outPath: String

  @Option(help: "How; see above.")
  var method = AttackMethod.pgd

  @Option(
    help: """
      The most that an intensity of 0 ... 255 is moved, 8 where it is left out; of pgd-l2 the length of \
      all moves, 255 of which are one sub-pixel from black to white.
      """, transform: decimal)
  var epsilon = 8.0

  @Option(help: "Steps of a method that takes several; 40 of pgd.")
  var steps: Int?

  @Option(help: "Starts of pgd and pgd-l2, from as many draws around the image.")
  var starts = 1

  @Option(help: ArgumentHelp("Only so many images, from the first on.", valueName: "count"))
  var first: Int?

  @Option(
    help: ArgumentHelp("A run that detector and purifier attack too.", valueName: "run"))
  var density: String?

  @Option(
    help: ArgumentHelp(
      "The --epsilon of the purifier that is attacked, if another.", valueName: "epsilon"),
    transform: decimal)
  var purifierEpsilon: Double?

  @OptionGroup var output: OutputOptions

  @OptionGroup var reading: ReadingOptions

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try requirePath("--out", outPath)
    try requirePath("DATA", data)
    if let density { try requirePath("--density", density) }
    for (option, value) in [("--epsilon", epsilon), ("--purifier-epsilon", purifierEpsilon ?? 1)] {
      try expect(option, value, "more than 0, at most 10000") { $0 > 0 && $0 <= 10_000 }
    }
    try expect("--steps", steps ?? 1, "1 ... 100000") { (1...100_000).contains($0) }
    try expect("--starts", starts, "1 ... 1000") { (1...1_000).contains($0) }
    try expect("--first", first ?? 1, "1 or more") { $0 >= 1 }
    if steps != nil, method.usualSteps == nil {
      throw ValidationError("--steps: expected none with \(method.rawValue), found \(steps ?? 0)")
    }
    if starts != 1, method != .pgd, method != .pgdL2 {
      throw ValidationError("--starts: expected 1 with \(method.rawValue), found \(starts)")
    }
    if purifierEpsilon != nil, method != .purifier {
      throw ValidationError(
        "--purifier-epsilon: expected none with \(method.rawValue), found \(purifierEpsilon ?? 0)")
    }
  }

  func run() throws {
    common.prepare()
    let (console, interruption) = (common.console, Interruption())
    let classifier = try TrainedClassifier(run: runFolder.path)
    let known = try density.map { try TrainedModel(run: $0) }
    let all = try classifier.images(
      at: data, strict: reading.strict, followLinks: reading.followLinks,
      watch: ReadingDisplay(console).show)
    guard let all else { throw CommandError.stopped("\(data) is not read to its end") }
    let images = first.map { all[0..<min($0, all.count)] } ?? all
    var job = try AttackJob(classifier, images, method, epsilon: epsilon, density: known)
    (job.steps, job.starts, job.purifierEpsilon) = (steps, starts, purifierEpsilon)
    (job.seed, job.overwrites, job.inputs) = (common.seed, output.overwrite, [data])
    let line = ProgressLine(console)
    defer { line.clear() }
    let outcome = try job.run(to: outPath) { done, count in
      line.update("attacking", done, of: count, "images")
      return !interruption.isRequested
    }
    line.clear()
    guard let outcome else {
      let isBegun = FileManager.default.fileExists(atPath: outPath)
      throw CommandError.stopped(
        isBegun ? "\(outPath) holds what was done, without attack.csv" : "no image was done")
    }
    let report = ReadingReport(data, skipped: all.skipped, flawed: all.flawed)
    let result = AttackResult(outcome, method, epsilon: epsilon, run: runFolder.path, out: outPath)
    try console.result(WithReading(result, report), text: result.text)
  }
}
