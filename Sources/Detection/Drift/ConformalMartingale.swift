import Foundation

/// Bets against p-values' being independent and uniform on 0 … 1: what the bets have made of 1.
///
/// ```swift
/// var martingale = ConformalMartingale()
/// for p in pValues { martingale.bet(on: p) }
/// if martingale.logValue > log(1 / 0.05) { print("the stream has changed") }
/// ```
///
/// Against a fair stream no bet wins: the value has mean 1 at all times, and ever reaches 1 / α with
/// probability α at most (Ville 1939), however long the stream is. (Conformal test martingales: Vovk,
/// Nouretdinov and Gammerman 2003.)
///
/// A bettor (w, β) multiplies what it holds by the density 1 − w + w β p^(β − 1): a share w of images is
/// odd, the odder the smaller β is; β above 1 bets on images too ordinary. When a stream changes nobody
/// knows, and what was lost until then is gone; so of its money 1 / (1 + ln(1 + t)) still sleeps after t
/// images, and what wakes is shared by all bettors. A change after t images costs about
/// ln t + 2 ln ln t nats more to find than one at once.
public struct ConformalMartingale: Sendable {
  private static let bettors: [(share: Double, power: Double)] = [
    (0.1, 0.1), (0.1, 0.2), (0.2, 0.2), (0.2, 0.3), (0.5, 0.5), (1, 0.8), (1, 1.5),
  ]

  /// ln of what each bettor holds.
  private var held = [Double](repeating: -.infinity, count: bettors.count)
  private var count = 0
  /// ln of what the bets have made of 1.
  public private(set) var logValue = 0.0
  /// The largest that it has been.
  public private(set) var logPeak = 0.0

  public init() {}

  /// - Parameter p: 0 < p ≤ 1.
  public mutating func bet(on p: Double) {
    precondition(p > 0 && p <= 1, "a p-value lies in 0 … 1, found \(p)")
    let woken = log(
      (Self.asleep(after: count) - Self.asleep(after: count + 1)) / Double(held.count))
    for (index, bettor) in Self.bettors.enumerated() {
      let density = 1 - bettor.share + bettor.share * bettor.power * pow(p, bettor.power - 1)
      held[index] = Self.logSum([held[index], woken]) + log(density)
    }
    count += 1
    logValue = Self.logSum(held + [log(Self.asleep(after: count))])
    logPeak = max(logPeak, logValue)
  }

  /// The share of the money that no bettor has yet.
  private static func asleep(after count: Int) -> Double { 1 / (1 + log(Double(1 + count))) }

  private static func logSum(_ terms: [Double]) -> Double {
    let most = terms.max()!
    return most + log(terms.reduce(0) { $0 + exp($1 - most) })
  }
}
