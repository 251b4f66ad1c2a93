import Jobs

/// What `export` made; also what `--json` prints.
struct ExportResult: Encodable {
  let run: String
  let card: String
  let bytes: Int
  let images: Int
  let natsPerImage: Double
  let natsStandardError: OrNull
  let bitsPerDimension: Double
  let withOthers: WithOthers?

  struct WithOthers: Encodable {
    let also: [String]
    let natsPerImage: Double
    let natsStandardError: OrNull
    let bitsPerDimension: Double
  }

  init(_ outcome: ExportJob.Outcome) {
    (run, card, bytes) = (outcome.run, outcome.card, outcome.bytes)
    let own = outcome.results[0]
    (images, natsPerImage, bitsPerDimension) = (
      own.images, own.natsPerImage, own.bitsPerDimension
    )
    natsStandardError = OrNull(own.natsStandardError)
    withOthers = outcome.results.dropFirst().first.map {
      WithOthers(
        also: $0.also ?? [], natsPerImage: $0.natsPerImage,
        natsStandardError: OrNull($0.natsStandardError), bitsPerDimension: $0.bitsPerDimension)
    }
  }

  var text: String {
    func figures(_ nats: Double, _ error: OrNull) -> String {
      fixed(nats, 2) + (error.value.map { " ± \(fixed($0, 2))" } ?? "") + " nats an image"
    }
    let others = withOthers.map {
      ", \(figures($0.natsPerImage, $0.natsStandardError)) with \($0.also.joined(separator: ", "))"
    }
    return "\(run): \(fixed(Double(bytes) / 1e6, 2)) MB; \(counted(images, "test image")):"
      + " \(figures(natsPerImage, natsStandardError))\(others ?? ""); see \(card)"
  }
}
