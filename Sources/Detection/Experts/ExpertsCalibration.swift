import Foundation

/// What both experts say of normal images that they did not learn from, and the verdict that follows.
///
/// Terms: the global expert's three statistics, each by its upper tail, summed and ranked again; the
/// largest mean surprise; the largest mean entropy; and the largest excess of surprise over entropy. The
/// verdict is their sum, nats: an image is as odd as −ln of the chance of a normal one's being so, were the
/// terms independent. The excess sees a thin crack in a smooth part among rough ones, and is noise elsewhere:
/// only what is rarer than one in twelve (e^−2.5) counts.
///
/// The global expert has a density for each fold of the normal images, fitted to the other folds. A
/// held-out image is judged by that of its own fold, and as if it were not among those that it is ranked
/// among; a new image by each, against the held-out images of that fold (cross-conformal; Vovk 2015,
/// doi:10.1007/s10472-013-9368-4). So the rank of a normal image is uniform, whatever the densities.
public struct ExpertsCalibration: Codable, Equatable, Sendable {
  /// One held-out image.
  public struct Held: Codable, Equatable, Sendable {
    public var name: String
    public var surprisePeak: Double
    public var entropyPeak: Double
    /// Nil in runs of before.
    public var excessPeak: Double?
    /// Its fold, and its place among that fold's images.
    public var fold: Int
    public var place: Int

    package init(
      name: String, surprisePeak: Double, entropyPeak: Double, excessPeak: Double?, fold: Int,
      place: Int
    ) {
      (self.name, self.fold, self.place) = (name, fold, place)
      (self.surprisePeak, self.entropyPeak) = (surprisePeak, entropyPeak)
      self.excessPeak = excessPeak
    }
  }

  public var held: [Held]
  /// By fold: what its density says of all images of the fold, learned by the local expert or not.
  public var folds: [[GlobalExpert.Statistics]]
  /// Of each fold's density: the scale of z.
  public var scales: [Double]
  /// The share of the variance of images that the densities explain in the ones that they have not seen.
  public var explainedShare: Double
  /// Which weights this was computed with.
  public var weights: String

  package init(
    held: [Held], folds: [[GlobalExpert.Statistics]], scales: [Double], explainedShare: Double,
    weights: String
  ) {
    (self.held, self.folds, self.scales) = (held, folds, scales)
    (self.explainedShare, self.weights) = (explainedShare, weights)
  }

  /// Up to it reach the largest means of this share of held-out images, bits a pixel.
  public func mapThreshold(_ share: Double) -> Double {
    let peaks = held.map(\.surprisePeak).sorted()
    return peaks[min(peaks.count, max(1, Int((share * Double(peaks.count)).rounded(.up)))) - 1]
  }

  /// The share of images that have a place as high anywhere, p = (1 + those held out that do) / (N + 1):
  /// over all places of an image at once, so that it is no less for a large image.
  public func pValue(ofPeak peak: Double) -> Double {
    Double(1 + held.count { $0.surprisePeak >= peak }) / Double(held.count + 1)
  }
}

/// Judges images of any size by both experts.
public struct ExpertsVerdict: Sendable {
  public let calibration: ExpertsCalibration
  private let plus: [UpperTail]
  private let minus: [UpperTail]
  private let inside: [UpperTail]
  private let global: UpperTail
  private let surprise: UpperTail
  private let entropy: UpperTail
  /// Nil in runs of before.
  private let excess: UpperTail?
  private static let leastExcess = 2.5
  /// The verdicts of the held-out images of each fold, ascending.
  private let heldVerdicts: [[Double]]

  /// The verdicts of all held-out images.
  public var normal: [Double] { heldVerdicts.flatMap { $0 } }

  public init(_ calibration: ExpertsCalibration) {
    self.calibration = calibration
    let plus = calibration.folds.map { UpperTail($0.map(\.plus)) }
    let minus = calibration.folds.map { UpperTail($0.map(\.minus)) }
    let inside = calibration.folds.map { UpperTail($0.map(\.inside)) }
    let global = calibration.held.map { held in
      let found = calibration.folds[held.fold][held.place]
      return plus[held.fold].leavingOut(found.plus).depth(of: found.plus)
        + minus[held.fold].leavingOut(found.minus).depth(of: found.minus)
        + inside[held.fold].leavingOut(found.inside).depth(of: found.inside)
    }
    let globalTail = UpperTail(global)
    let surprise = UpperTail(calibration.held.map(\.surprisePeak))
    let entropy = UpperTail(calibration.held.map(\.entropyPeak))
    let excesses = calibration.held.compactMap(\.excessPeak)
    let excess = excesses.count == calibration.held.count ? UpperTail(excesses) : nil
    var verdicts = [[Double]](repeating: [], count: calibration.folds.count)
    for (held, term) in zip(calibration.held, global) {
      verdicts[held.fold].append(
        globalTail.leavingOut(term).depth(of: term)
          + surprise.leavingOut(held.surprisePeak).depth(of: held.surprisePeak)
          + entropy.leavingOut(held.entropyPeak).depth(of: held.entropyPeak)
          + Self.excess(held.excessPeak, excess?.leavingOut(held.excessPeak!)))
    }
    self.plus = plus
    self.minus = minus
    self.inside = inside
    self.global = globalTail
    self.surprise = surprise
    self.entropy = entropy
    self.excess = excess
    heldVerdicts = verdicts.map { $0.sorted() }
  }

  private static func excess(_ peak: Double?, _ tail: UpperTail?) -> Double {
    guard let peak, let tail else { return 0 }
    return max(0, tail.depth(of: peak) - leastExcess)
  }

  /// What is said of one image.
  public struct Opinion: Equatable, Sendable {
    /// Nats; more is odder. A mean over the folds.
    public var verdict: Double
    /// Its parts: the global expert; surprise, entropy and excess of the local one.
    public var global: Double
    public var surprise: Double
    public var entropy: Double
    public var excess: Double
    /// Of the verdict among those of held-out images, 0 < p ≤ 1.
    public var pValue: Double

    /// The terms as shares of the verdict, the largest first, by their columns in a table.
    public var parts: [ScoreRow.Part] {
      let terms = [
        ("verdict_global", global), ("verdict_surprise", surprise), ("verdict_entropy", entropy),
        ("verdict_excess", excess),
      ]
      guard verdict > 0 else { return [] }
      return terms.filter { $0.1 > 0 }.sorted { $0.1 > $1.1 }.map { name, term in
        ScoreRow.Part(score: name, share: term / verdict, isHigh: true)
      }
    }
  }

  public func opinion(on evidence: LargeEvidence) -> Opinion {
    opinion(
      evidence.global, evidence.surprisePeak, evidence.entropyPeak, evidence.excessPeak)
  }

  package func opinion(
    _ statistics: [GlobalExpert.Statistics], _ surprisePeak: Double, _ entropyPeak: Double,
    _ excessPeak: Double
  ) -> Opinion {
    precondition(
      statistics.count == plus.count, "\(plus.count) densities, \(statistics.count) opinions")
    let (ofSurprise, ofEntropy) = (
      surprise.depth(of: surprisePeak), entropy.depth(of: entropyPeak)
    )
    let ofExcess = Self.excess(excessPeak, excess)
    let local = ofSurprise + ofEntropy + ofExcess
    let terms = statistics.enumerated().map { fold, found in
      global.depth(
        of: plus[fold].depth(of: found.plus) + minus[fold].depth(of: found.minus)
          + inside[fold].depth(of: found.inside))
    }
    var asOdd = 1
    for (fold, term) in terms.enumerated() {
      let verdict = term + local
      let normal = heldVerdicts[fold]
      asOdd += normal.count - normal.partitioningIndex { $0 >= verdict }
    }
    let mean = terms.reduce(0, +) / Double(terms.count)
    return Opinion(
      verdict: mean + local, global: mean, surprise: ofSurprise, entropy: ofEntropy,
      excess: ofExcess, pValue: Double(asOdd) / Double(calibration.held.count + 1))
  }
}
