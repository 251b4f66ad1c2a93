import Detection
import Images

extension CompareSets {
  /// How well the maps of one set point at its outlined defects.
  struct Map: Encodable {
    let outOf: String
    /// Images with outlines.
    let images: Int
    let pixelAuroc: OrNull
    /// The share of them whose highest place lies in a box.
    let peakInBox: OrNull
    let flagged: Int
    /// The same of those flagged.
    let flaggedPeakInBox: OrNull

    init(outOf: String, _ accuracy: MapAccuracy) {
      func share(_ part: Int, _ whole: Int) -> OrNull {
        OrNull(whole > 0 ? Double(part) / Double(whole) : nil)
      }
      self.outOf = outOf
      images = accuracy.images
      pixelAuroc = OrNull(accuracy.pixelAUROC)
      peakInBox = share(accuracy.hits, accuracy.images)
      flagged = accuracy.flagged
      flaggedPeakInBox = share(accuracy.flaggedHits, accuracy.flagged)
    }

    var text: String {
      func number(_ value: OrNull) -> String { value.value.map { fixed($0, 3) } ?? "–" }
      return
        "\(outOf): \(counted(images, "image")) with outlines: pixel AUROC \(number(pixelAuroc)),"
        + " peak in a box \(number(peakInBox)), of the \(flagged) flagged at 5 %"
        + " \(number(flaggedPeakInBox))"
    }
  }

  /// The table of a set by both experts, and where its images have outlines how well maps point at them.
  func table(_ path: String, _ run: RunInUse, by experts: Experts) throws -> (ScoreTable, Map?) {
    let outlines = boxes.map(OutlinedDefects.init)
    var accuracy = MapAccuracy()
    let needed = try RankPValue.imagesNeeded(falseAlarmRate: 0.05)
    let rate = experts.calibration.held.count >= needed ? 0.05 : 0.5
    let scored = try run.judged(path, by: experts, falseAlarmRate: rate) { row, evidence, _ in
      guard let found = try outlines?.boxes(of: row.path) else { return }
      accuracy.add(
        evidence.map(reach: experts.local.reach), peak: evidence.peak,
        flagged: row.verdict!.flagged, boxes: found)
    }
    return (scored.table, accuracy.images > 0 ? Map(outOf: path, accuracy) : nil)
  }
}
