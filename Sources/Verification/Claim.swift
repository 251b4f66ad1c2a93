/// Something that a density claims of itself, and what came of trying to refute it.
public struct Claim: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    case sumsToOne = "sums_to_one"
    case allImages = "all_images"
    case causal
    case incremental
    case samples

    /// The claim in words.
    public var statement: String {
      switch self {
      case .sumsToOne: "the probabilities of each sub-pixel sum to one"
      case .allImages: "the probabilities of all images sum to one"
      case .causal: "no output sees its own sub-pixel or a later one"
      case .incremental: "the next sub-pixel's distribution is that of the whole pass, bit for bit"
      case .samples: "samples follow the distribution that scores them"
      }
    }
  }

  public let kind: Kind
  public let holds: Bool
  /// What was tried and found, in a line.
  public let evidence: String
}
