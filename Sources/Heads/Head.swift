import Tensors

/// How a model's outputs become the distribution of a pixel, with its number of levels.
///
/// The model treats outputs as opaque. It is asked for so many at each step of a pixel: a sub-pixel at a
/// time, knowing the channels before it, or the whole pixel at once, where the head itself tells how a
/// channel depends on those before it.
public struct Head: Codable, Equatable, Sendable {
  /// A head is one file that holds one of these, and a line in `allCases`.
  public struct Kind: Sendable {
    public let name: String
    /// The formula, in a line.
    public let summary: String
    /// Levels that it can have.
    public let levels: ClosedRange<Int>
    /// Whether the channels of a pixel are drawn from one set of outputs.
    let isJoint: Bool
    /// Outputs a step, of levels and channels.
    let outputs: @Sendable (_ levels: Int, _ channels: Int) -> Int
    /// Outputs of a step at which the levels of its channels have these log-frequencies, `[C][K]`.
    let bias: @Sendable (_ logFrequencies: [[Double]]) -> [Double]
    /// The distribution of outputs `[N, steps, outputs]`.
    let distribution: @Sendable (Variable, _ levels: Int, _ channels: Int) -> any PixelDistribution
  }

  public let kind: Kind
  /// Values that a sub-pixel can take, 2 … 256.
  public let levels: Int

  public init(_ kind: Kind, levels: Int) {
    precondition(
      kind.levels.contains(levels), "\(kind.name) has \(kind.levels) levels, found \(levels)")
    self.kind = kind
    self.levels = levels
  }

  /// - Throws: `DecodingError` for a kind or a number of levels that there is not.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let kind = try container.decode(Kind.self, forKey: .kind)
    let levels = try container.decode(Int.self, forKey: .levels)
    guard kind.levels.contains(levels) else {
      throw DecodingError.dataCorruptedError(
        forKey: .levels, in: container,
        debugDescription: "levels of a \(kind.name) head: expected \(kind.levels.lowerBound) ..."
          + " \(kind.levels.upperBound), found \(levels)")
    }
    self.init(kind, levels: levels)
  }

  /// In how many steps a model tells the outputs of a pixel.
  public func steps(channels: Int) -> Int { kind.isJoint ? 1 : channels }

  /// Outputs of the model at each step.
  public func outputs(channels: Int) -> Int { kind.outputs(levels, channels) }

  /// Outputs of the model for a pixel.
  public func outputsOfPixel(channels: Int) -> Int {
    steps(channels: channels) * outputs(channels: channels)
  }

  /// The outputs of a pixel at which its channels have these log-frequencies of levels, `[C][K]`.
  public func bias(logFrequencies: [[Double]]) -> [Double] {
    kind.isJoint ? kind.bias(logFrequencies) : logFrequencies.flatMap { kind.bias([$0]) }
  }

  /// The distribution of outputs `[N, …]` of one or more steps.
  public func distribution(_ outputs: Variable, channels: Int) -> any PixelDistribution {
    let (images, each) = (outputs.shape[0], self.outputs(channels: channels))
    let steps = outputs.shape.count / images / each
    return kind.distribution(
      outputs.reshaped([images, steps, each]), levels, kind.isJoint ? channels : 1)
  }
}

extension Head.Kind: RawRepresentable, CaseIterable, Codable, Hashable, CustomStringConvertible {
  /// Every head that there is.
  public static let allCases: [Head.Kind] = [.bernoulli, .categorical]

  /// The name.
  public var rawValue: String { name }
  public var description: String { name }

  public init?(rawValue: String) {
    guard let kind = Self.allCases.first(where: { $0.name == rawValue }) else { return nil }
    self = kind
  }

  public static func == (a: Head.Kind, b: Head.Kind) -> Bool { a.name == b.name }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
