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
