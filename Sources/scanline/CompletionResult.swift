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

  /// −log p of the hole as images have it: given all that is seen, between two estimates, and given what
  /// is seen before alone.
  struct HoleNats: Encodable {
    let low: Double
    let high: Double
    let highStandardError: OrNull
    let naive: Double
    let naiveStandardError: OrNull
  }

  init(_ outcome: CompletionJob.Outcome, run: String, out: String) {
    (self.run, self.out, sheet, images) = (run, out, outcome.sheet, outcome.completed)
    seconds = outcome.seconds
    func summary(_ values: [Double]) -> LikelihoodSummary {
      LikelihoodSummary(nats: values, dimension: 1)
    }
    let highs = summary(outcome.completed.compactMap(\.holeNatsHigh))
    let naive = summary(outcome.completed.compactMap(\.holeNatsNaive))
    hole =
      highs.nats.isEmpty
      ? nil
      : HoleNats(
        low: summary(outcome.completed.compactMap(\.holeNatsLow)).natsPerImage,
        high: highs.natsPerImage, highStandardError: OrNull(highs.standardError),
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
      let given =
        hole.low == hole.high ? "" : " (an upper estimate; a lower one \(fixed(hole.low, 3)))"
      lines.append(
        "the hole as it is: \(withError(hole.high, hole.highStandardError)) nats given all that is"
          + " seen\(given), \(withError(hole.naive, hole.naiveStandardError)) given what comes before alone"
      )
    }
    return lines.joined(separator: "\n")
  }
}
