extension FlagImages {
  /// What `--json` prints.
  struct Result: Encodable {
    let images: Int
    let flagged: Int
    let unreadable: Int
    let falseAlarmRate: Double?
    let falseDiscoveryRate: Double?
    let calibrationImages: Int
    let report: String
    let scores: String
    let heatMaps: Int
    let missingHeatMaps: Int

    var text: String {
      let rate =
        falseAlarmRate.map { rate in
          "a false-alarm rate of \(rate)"
            + " (at most \(significant(rate * Double(images))) expected, were all normal)"
        } ?? "a false-discovery rate of \(falseDiscoveryRate ?? 0)"
      return "\(flagged) of \(counted(images, "image")) flagged at \(rate)"
        + (unreadable > 0 ? "; \(unreadable) unreadable" : "") + "; see \(report)"
    }
  }
}
