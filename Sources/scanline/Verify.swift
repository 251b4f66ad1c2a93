import ArgumentParser
import Files
import Training
import Verification

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prove what a run claims.",
    discussion: """
      Tries to refute, by the run's own weights and kernels, that probabilities sum to one (at every \
      sub-pixel of some images, and over all images of a tiny size by a small model of the same kind), \
      that no output sees the future, that the way in which images are drawn is that in which they are \
      scored, bit for bit, and that samples follow the density. Exit status 1 where a claim fails.

      With --out, receptive-field.png shows what the middle pixel sees (blue), what it must not see \
      (grey), and its blind spot (orange).

      Example: scanline verify runs/digits --out proof
      """)

  @OptionGroup var runFolder: RunArgument

  @Option(
    name: .customLong("out"), help: ArgumentHelp("The folder to write to.", valueName: "folder"))
  var outPath: String?

  @Option(help: "Images to draw for the test of samples.")
  var images = 64

  @Option(help: "Precision of the model's activations to verify.")
  var precision = PrecisionName.float32

  @OptionGroup var output: OutputOptions

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try precision.require("--precision")
    if let outPath { try requirePath("--out", outPath) }
    try expect("--images", images, "1 ... 100000") { (1...100_000).contains($0) }
  }

  func run() throws {
    common.prepare()
    let interruption = Interruption()
    let trained = try TrainedModel(run: runFolder.path, precision: precision.precision)
    let folder = try outPath.map { try OutputFolder($0, overwrite: output.overwrite) }
    try folder?.requireFree(["receptive-field.png"])
    let verification = Verification(
      trained.model, trained.configuration.model, in: trained.context, seed: common.seed,
      images: images, orders: trained.configuration.orders.count)
    let line = ProgressLine(common.console)
    let claims = try verification.claims { kind, done, total in
      line.update("trying whether \(kind.statement): \(done) of \(total)")
      return !interruption.isRequested
    }
    line.clear()
    guard let claims else { throw CommandError.stopped("not all claims are tried") }
    var picture: String?
    var view: ReceptiveField?
    if let folder {
      let field = verification.receptiveField()
      picture = try folder.file("receptive-field.png")
      try field.picture.writePNG(to: picture!)
      view = field
    }
    let result = Result(
      run: runFolder.path, precision: precision.rawValue, holds: claims.allSatisfy(\.holds),
      claims: claims.map { .init(claim: $0.kind.rawValue, holds: $0.holds, evidence: $0.evidence) },
      receptiveField: picture, seenPixels: view?.seen, earlierPixels: view?.earlier)
    try common.console.result(result, text: text(claims, view, picture))
    if let failed = claims.first(where: { !$0.holds }) {
      throw CommandError(
        "\(runFolder.path): expected that \(failed.kind.statement), found: \(failed.evidence)")
    }
  }

  private func text(_ claims: [Claim], _ view: ReceptiveField?, _ picture: String?) -> String {
    var lines = claims.flatMap { claim in
      ["\(claim.holds ? "holds" : "FAILS")  \(claim.kind.statement)", "       \(claim.evidence)"]
    }
    // A small model of this kind may not have these settings.
    for kind in Claim.Kind.allCases where !claims.contains(where: { $0.kind == kind }) {
      lines.append("not tried  whether \(kind.statement)")
    }
    if let view, let picture {
      lines.append(
        "the middle pixel sees \(view.seen) of the \(view.earlier) before it: \(picture)")
    }
    return lines.joined(separator: "\n")
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    struct Tried: Encodable {
      let claim: String
      let holds: Bool
      let evidence: String
    }

    let run: String
    let precision: String
    let holds: Bool
    let claims: [Tried]
    let receptiveField: String?
    let seenPixels: Int?
    let earlierPixels: Int?
  }
}
