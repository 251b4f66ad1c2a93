import Generation
import Jobs
import Training

/// What `complete` prints.
struct CompletionResult: Encodable {
  let run: String
  let out: String
  let sheet: String?
  let images: [CompletionJob.Completed]
  /// Means over the images, nats with their standard errors; nil where not asked for.
  let hole: HoleNats?
  let seconds: Double

  /// −log p of the hole as images have it: given all that is seen, of what is drawn, and given what comes
  /// before alone.
  struct HoleNats: Encodable {
    let given: Double
    let givenStandardError: OrNull
    let drawn: Double
    let drawnStandardError: OrNull
    let naive: Double
    let naiveStandardError: OrNull
  }

  init(_ outcome: CompletionJob.Outcome, run: String, out: String) {
    (self.run, self.out, sheet, images) = (run, out, outcome.sheet, outcome.completed)
    seconds = outcome.seconds
    func summary(_ values: [Double]) -> LikelihoodSummary {
      LikelihoodSummary(nats: values, dimension: 1)
    }
    let given = summary(outcome.completed.compactMap(\.holeNatsGiven))
    let drawn = summary(outcome.completed.compactMap(\.holeNatsDrawn))
    let naive = summary(outcome.completed.compactMap(\.holeNatsNaive))
    hole =
      given.nats.isEmpty
      ? nil
      : HoleNats(
        given: given.natsPerImage, givenStandardError: OrNull(given.standardError),
        drawn: drawn.natsPerImage, drawnStandardError: OrNull(drawn.standardError),
        naive: naive.natsPerImage, naiveStandardError: OrNull(naive.standardError))
  }

  var text: String {
    var lines: [String] = []
    let count = images.reduce(0) { $0 + $1.files.count }
    if let sheet {
      let method = images[0].method == .particles ? "by particles" : "exact draws"
      lines.append(
        "\(counted(count, "completion")) of \(counted(images.count, "image")) in \(out), \(method),"
          + " \(duration(seconds)); see \(sheet)")
    }
    let effective = images.compactMap(\.effectiveParticles)
    if let least = effective.min() {
      let mean = effective.reduce(0, +) / Double(effective.count)
      let descent = images.compactMap(\.linesOfDescent).reduce(0, +) / Double(effective.count)
      lines.append(
        "of the particles of a completion \(short(mean)) counted at the worst moment (\(short(least)) in"
          + " the worst image), and \(short(descent)) of the first had a descendant at the end")
    }
    if let hole {
      func withError(_ value: Double, _ error: OrNull) -> String {
        fixed(value, 3) + (error.value.map { " ± \(fixed($0, 3))" } ?? "")
      }
      let drawn =
        images.allSatisfy { $0.method == .particles }
        ? ", \(withError(hole.drawn, hole.drawnStandardError)) by these particles" : ""
      lines.append(
        "the hole as it is: \(withError(hole.given, hole.givenStandardError)) nats given all that is"
          + " seen\(drawn), \(withError(hole.naive, hole.naiveStandardError)) given what comes before"
          + " alone")
    }
    return lines.joined(separator: "\n")
  }
}
