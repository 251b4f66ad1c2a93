import Detection

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
}
