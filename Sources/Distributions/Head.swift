import Tensors

/// How a model's outputs become the distribution of a sub-pixel.
public struct Head: Codable, Equatable, Sendable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// One logit: p(1) = σ(logit). Two levels.
    case bernoulli
    /// A logit a level: p = softmax(logits).
    case categorical
  }

  public let kind: Kind
  /// Values that a sub-pixel can take, 2 … 256.
  public let levels: Int

  public init(_ kind: Kind, levels: Int) {
    precondition((2...256).contains(levels), "levels must be 2 ... 256, found \(levels)")
    precondition(kind != .bernoulli || levels == 2, "a Bernoulli has 2 levels, found \(levels)")
    self.kind = kind
    self.levels = levels
  }

  /// - Throws: `DecodingError` for a kind or a number of levels that there is not.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let kind = try container.decode(Kind.self, forKey: .kind)
    let levels = try container.decode(Int.self, forKey: .levels)
    let possible = kind == .bernoulli ? 2...2 : 2...256
    guard possible.contains(levels) else {
      throw DecodingError.dataCorruptedError(
        forKey: .levels, in: container,
        debugDescription: "levels of a \(kind.rawValue) head: expected \(possible.lowerBound) ..."
          + " \(possible.upperBound), found \(levels)")
    }
    self.init(kind, levels: levels)
  }

  public static let bernoulli = Head(.bernoulli, levels: 2)

  public static func categorical(_ levels: Int) -> Head {
    Head(.categorical, levels: levels)
  }

  /// Outputs of the model for each sub-pixel.
  public var outputs: Int {
    switch kind {
    case .bernoulli: 1
    case .categorical: levels
    }
  }

  /// The distribution of logits of shape `[N, …]` that hold `outputs` numbers a sub-pixel.
  public func distribution(_ logits: Variable) -> any PixelDistribution {
    let images = logits.shape[0]
    let subpixels = logits.shape.count / images / outputs
    switch kind {
    case .bernoulli: return Bernoulli(logits: logits.reshaped([images, subpixels]))
    case .categorical: return Categorical(logits: logits.reshaped([images, subpixels, levels]))
    }
  }
}
