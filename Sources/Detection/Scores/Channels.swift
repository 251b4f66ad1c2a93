import Foundation

extension Score {
  /// Of a colour image, the part of −log p(x) that belongs to each channel, nats, and that channel's
  /// surprise beyond its expectation: grey images in colour are odd in green and blue, which red tells.
  static let channels = ["red", "green", "blue"].enumerated().flatMap { channel, name in
    [
      Score(
        "nats_\(name)", "nats of the \(name) channel", odd: .both, inVerdict: .both,
        of: { $0.channels == 3 }
      ) { evidence, _ in evidence.surprise.total(ofChannel: channel) * M_LN2 },
      Score(
        "normalised_surprise_\(name)", "surprise of the \(name) channel beyond what is expected",
        needs: .moments, odd: .both, inVerdict: .both, of: { $0.channels == 3 }
      ) { evidence, _ in
        normalised(
          excess: evidence.surprise.total(ofChannel: channel)
            - evidence.entropy.total(ofChannel: channel),
          variance: evidence.variance.total(ofChannel: channel))
      },
    ]
  }
}

extension ArraySlice<Float> {
  /// The sum over the sub-pixels of one of three channels, in double precision.
  fileprivate func total(ofChannel channel: Int) -> Double {
    stride(from: startIndex + channel, to: endIndex, by: 3).reduce(0.0) { $0 + Double(self[$1]) }
  }
}
