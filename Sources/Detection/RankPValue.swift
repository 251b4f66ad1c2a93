/// Which scores count against an image.
public enum Tail: String, Codable, Sendable, CaseIterable {
  /// High scores are odd: nats, bits, most others.
  case high
  /// Low scores are odd: stirring and shaking.
  case low
  /// Both are: too ordinary is odd as well.
  case both
}

/// The p-value of a score: its rank among those of held-out normal images, 0 < p ≤ 1.
///
/// ```swift
/// let ranks = RankPValue(score: "nats", normal: [81.2, 90.4, 79.9])
/// try ranks.pValue(of: 130)  // 0.25 = (1 + 0) / (3 + 1)
/// ```
///
/// `p = (1 + #{n : s_n ≥ s}) / (N + 1)`, which for s = −log p(x) is the p-value of PixelDefend (Song
/// et al. 2018, arXiv:1710.10766, section 3.2). Where the image is exchangeable with the normal ones,
/// P(p ≤ α) ≤ α exactly, whatever the model: a poor model finds less, but raises no more false
/// alarms. The normal images must be held out: on those it was trained on the model is too sure.
///
/// A p-value takes O(log N).
public struct RankPValue: Equatable, Sendable {
  /// The score's name, for errors.
  public let score: String
  /// The scores of the normal images, ascending, in the score's own unit.
  public let normal: [Double]

  /// Ranks among `normal`, in any order: at least one, and none NaN.
  public init(score: String, normal: [Double]) {
    precondition(!normal.isEmpty, "ranks need at least one normal score")
    precondition(!normal.contains(where: \.isNaN), "a normal score of \(score) is NaN")
    self.init(score: score, sorted: normal.sorted())
  }

  init(score: String, sorted: [Double]) {
    self.score = score
    self.normal = sorted
  }

  /// The p-value, 1 / (N + 1) … 1; for both tails 2·min(low, high), at most 1. Throws for NaN.
  public func pValue(of value: Double, tail: Tail = .high) throws(DetectionError) -> Double {
    guard !value.isNaN else { throw .notANumber(score: score, where: "the image to be ranked") }
    func share(_ asOdd: Int) -> Double { Double(1 + asOdd) / Double(normal.count + 1) }
    let high = share(normal.count - normal.partitioningIndex { $0 >= value })
    let low = share(normal.partitioningIndex { $0 > value })
    return switch tail {
    case .high: high
    case .low: low
    case .both: min(1, 2 * min(low, high))
    }
  }

  /// The scores that are not flagged: `pValue(of: s, tail: tail) ≤ rate` exactly where `s` lies
  /// outside. The end that counts nothing against an image is infinite.
  public func ordinaryRange(
    falseAlarmRate rate: Double, tail: Tail = .high
  ) throws(DetectionError) -> ClosedRange<Double> {
    try requireEnoughImages(falseAlarmRate: rate, tail: tail)
    // The k-th largest or smallest normal score, k the largest rank with k / (N + 1) within the rate.
    let share = tail == .both ? rate / 2 : rate
    var k = Int(share * Double(normal.count + 1))
    while Double(k + 1) / Double(normal.count + 1) <= share { k += 1 }
    while Double(k) / Double(normal.count + 1) > share { k -= 1 }
    return switch tail {
    case .high: -.infinity...normal[normal.count - k]
    case .low: normal[k - 1]...(.infinity)
    case .both: normal[k - 1]...normal[normal.count - k]
    }
  }

  /// Throws unless the least p-value there can be, 1 / (N + 1), or twice that for both tails, is
  /// within `rate`: otherwise nothing could ever be flagged.
  public func requireEnoughImages(
    falseAlarmRate rate: Double, tail: Tail = .high
  ) throws(DetectionError) {
    let needed = try Self.imagesNeeded(falseAlarmRate: rate, tail: tail)
    guard normal.count >= needed else {
      throw .tooFewNormalImages(falseAlarmRate: rate, needed: needed, found: normal.count)
    }
  }

  /// How many normal images a false-alarm rate needs: N ≥ 1/α − 1, for both tails N ≥ 2/α − 1.
  public static func imagesNeeded(
    falseAlarmRate rate: Double, tail: Tail = .high
  ) throws(DetectionError) -> Int {
    guard rate > 0, rate < 1 else { throw .falseAlarmRateOutOfRange(rate) }
    let least: Double = tail == .both ? 2 : 1
    var ranks = (least / rate).rounded()  // N + 1
    if least / ranks > rate { ranks += 1 }
    return Int(exactly: ranks - 1) ?? Int.max
  }
}

/// The images to flag in a folder so that on average at most a share `rate` of those flagged are
/// normal (Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x).
///
/// With m p-values, all up to the largest p_(k) ≤ k·rate/m are flagged. It holds for rank p-values
/// that share their normal images (Bates et al. 2023, doi:10.1214/22-AOS2244).
public func benjaminiHochberg(_ pValues: [Double], rate: Double) -> [Bool] {
  precondition(
    rate > 0 && rate < 1, "a false-discovery rate must lie between 0 and 1, found \(rate)")
  let ascending = pValues.sorted()
  let bound = ascending.enumerated().last { k, p in
    p <= Double(k + 1) * rate / Double(ascending.count)
  }
  guard let bound else { return pValues.map { _ in false } }
  return pValues.map { $0 <= bound.element }
}

extension [Double] {
  /// The index of the first element for which `predicate` holds, in an array that is divided by it:
  /// false, …, false, true, …, true.
  func partitioningIndex(where predicate: (Double) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
