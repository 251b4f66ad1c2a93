import Images
import Randomness

extension Scorer {
  /// How well this scorer's verdict tells images that are made odd on purpose from the normal ones of its
  /// calibration, which they are made from. A control that changes less than half of the images, as the model
  /// sees them, is left out.
  /// - Parameters:
  ///   - data: normal images; some are chosen.
  ///   - progress: called after each batch with the images done; answers whether to go on.
  /// - Returns: nil where it was stopped; empty where there is no verdict.
  public func controls(
    of data: DataSet, progress: (_ images: Int) -> Bool = { _ in true }
  ) throws -> [Control.Result]? {
    guard let verdict = calibration?.verdict(), data.count > 0 else { return [] }
    var stream = RandomStream(seed: 0, "controls")
    let chosen = Array(stream.permutation(of: data.count).prefix(Control.images))
    let originals = chosen.map { trained.image(of: data, at: $0) }
    let ascending = verdict.normal.sorted()
    let bound = try? RankPValue(score: Score.verdict, normal: ascending)
      .ordinaryRange(falseAlarmRate: 0.05).upperBound
    var results: [Control.Result] = []
    for (number, control) in Control.all.enumerated() {
      var stream = RandomStream(seed: 0, "controls", number + 1)
      let made = originals.indices.map { index in
        control.make(originals[index], originals[(index + 1) % originals.count], &stream)
      }
      let set = DataSet(
        height: data.height, width: data.width, channels: data.channels,
        pixels: made.flatMap(\.pixels), names: made.indices.map { "\(control.name) \($0)" })
      let changed = made.indices.filter { trained.image(of: set, at: $0) != originals[$0] }
      guard 2 * changed.count >= made.count, !changed.isEmpty else { continue }
      let done = number * chosen.count
      guard let table = try table(of: set[changed], progress: { progress(done + $0) }) else {
        return nil
      }
      let odd = table.values(of: Score.verdict)!
      results.append(
        Control.Result(
          name: control.name, auroc: try DetectionMetrics(normal: ascending, odd: odd).auroc,
          flagged: bound.map { bound in
            Double(odd.count { $0 > bound }) / Double(odd.count)
          }))
    }
    return results
  }
}
