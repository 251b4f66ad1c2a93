import Foundation

/// Says when a stream of images has changed, be it before any one of them looks odd.
///
/// ```swift
/// var stream = DriftStream(normal: judge.normal, level: 0.05)
/// for image in incoming where stream.next(oddness(of: image)).changed { sound() }
/// ```
///
/// A stream whose images are exchangeable with the normal ones is ever said to have changed with
/// probability `level` at most, however long it is.
public struct DriftStream {
  /// What is known after one more image.
  public struct Step: Equatable, Sendable {
    /// Of the image among the normal ones and all of the stream before it.
    public let pValue: Double
    /// ln of what bets against the stream have made of 1.
    public let logMartingale: Double
    /// Whether that was ever 1 / level or more.
    public let changed: Bool
  }

  /// The chance that a stream that stays as it was is said to have changed.
  public let level: Double
  private var ranks: OnlineRanks
  private var martingale = ConformalMartingale()

  /// - Parameter normal: how odd the normal images are.
  public init(normal: [Double], level: Double) {
    precondition(level > 0 && level < 1, "a level lies between 0 and 1, found \(level)")
    ranks = OnlineRanks(normal)
    self.level = level
  }

  /// How many images there were.
  public var count: Int { ranks.count }

  public var changed: Bool { martingale.logPeak >= -log(level) }

  /// - Parameter oddness: of the next image, by what the normal ones were judged by.
  public mutating func next(_ oddness: Double) -> Step {
    let p = ranks.pValue(of: oddness)
    martingale.bet(on: p)
    return Step(pValue: p, logMartingale: martingale.logValue, changed: changed)
  }
}
