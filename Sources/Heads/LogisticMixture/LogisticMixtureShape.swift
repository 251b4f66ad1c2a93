import Foundation

/// Sizes of a mixture, and where in a pixel's outputs its parts are: logits `[K]`, means `[C, K]`,
/// log scales `[C, K]`, couplings `[C (C − 1) / 2, K]`, those of channel c to the ones before it from
/// c (c − 1) / 2 on.
public struct LogisticMixtureShape: Equatable, Sendable {
  /// K.
  public let components: Int
  /// C.
  public let channels: Int
  public let levels: Int

  static let mostComponents = 64

  public init(components: Int, channels: Int, levels: Int) {
    precondition(
      (1...Self.mostComponents).contains(components) && (1...4).contains(channels)
        && (2...256).contains(levels),
      "no mixture has \(components) components, \(channels) channels and \(levels) levels")
    (self.components, self.channels, self.levels) = (components, channels, levels)
  }

  init(_ head: Head, _ channels: Int) {
    self.init(components: head.components!, channels: channels, levels: head.levels)
  }

  /// Outputs a pixel.
  public var outputs: Int {
    components * (1 + 2 * channels + channels * (channels - 1) / 2)
  }

  func mean(_ channel: Int, _ component: Int) -> Int {
    (1 + channel) * components + component
  }

  func scale(_ channel: Int, _ component: Int) -> Int {
    (1 + channels + channel) * components + component
  }

  func coupling(_ channel: Int, to earlier: Int, _ component: Int) -> Int {
    (1 + 2 * channels + channel * (channel - 1) / 2 + earlier) * components + component
  }

  /// Half the distance of two levels.
  var halfBin: Double { 1 / Double(levels - 1) }

  /// −7 for 256 levels, as in the paper: the widest level is then 8.6 scales wide. The same of others.
  var leastLogScale: Double { -7 + log(255 * halfBin) }

  /// Beyond this scale nothing is left but the two tails, and within it no arithmetic overflows.
  static let mostLogScale = 60.0

  /// −1…1.
  func intensity(of level: some BinaryInteger) -> Double { 2 * halfBin * Double(level) - 1 }

  /// The outputs of a pixel whose channels have these log-frequencies of levels: component k stands at
  /// the middle of the k-th of equal parts of each channel's levels, as wide as that. So the channels go
  /// together, dark with dark and bright with bright.
  func bias(_ logFrequencies: [[Double]]) -> [Double] {
    var bias = [Double](repeating: 0, count: outputs)
    for (channel, logs) in logFrequencies.enumerated() {
      let quantiles = Quantiles(logs)
      for k in 0..<components {
        let (from, to) = (Double(k) / Double(components), Double(k + 1) / Double(components))
        bias[mean(channel, k)] = 2 * halfBin * quantiles.level(at: (from + to) / 2) - 1
        // The middle half of a logistic distribution is 2 ln 3 = 2.2 scales wide.
        let width = 2 * halfBin * (quantiles.level(at: to) - quantiles.level(at: from))
        bias[scale(channel, k)] = max(log(width / 2.2), leastLogScale)
      }
    }
    return bias
  }
}
