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
    /// Components that it can have, where it is a mixture.
    public let components: ClosedRange<Int>?
    /// Whether the channels of a pixel are drawn from one set of outputs.
    public let isJoint: Bool
    /// Outputs a step, of so many channels.
    let outputs: @Sendable (Head, _ channels: Int) -> Int
    /// Outputs of a step at which the levels of its channels have these log-frequencies, `[C][K]`.
    let bias: @Sendable (Head, _ logFrequencies: [[Double]]) -> [Double]
    /// The distribution of outputs `[N, steps, outputs]`.
    let distribution: @Sendable (Variable, Head, _ channels: Int) -> any PixelDistribution
    /// Which outputs say where a distribution lies and how wide it is, where that is what they say.
    let frame: (@Sendable (Head) -> Frame)?

    init(
      name: String, summary: String, levels: ClosedRange<Int>, components: ClosedRange<Int>? = nil,
      isJoint: Bool = false, outputs: @escaping @Sendable (Head, _ channels: Int) -> Int,
      bias: @escaping @Sendable (Head, _ logFrequencies: [[Double]]) -> [Double],
      distribution: @escaping @Sendable (Variable, Head, _ channels: Int) -> any PixelDistribution,
      frame: (@Sendable (Head) -> Frame)? = nil
    ) {
      (self.name, self.summary) = (name, summary)
      (self.levels, self.components, self.isJoint) = (levels, components, isJoint)
      (self.outputs, self.bias, self.distribution) = (outputs, bias, distribution)
      self.frame = frame
    }
  }

  /// The outputs of a sub-pixel that move and stretch its distribution.
  public struct Frame: Sendable {
    public let locations: Range<Int>
    /// Logarithms of deviations.
    public let logDeviations: Range<Int>
    /// Outputs at which the distribution lies around 0 with a deviation of about 1.
    public let standard: [Double]
  }

  /// Components of a mixture where nobody says how many.
  public static let usualComponents = 10

  public let kind: Kind
  /// Values that a sub-pixel can take, 2 … 256.
  public let levels: Int
  /// Of a mixture; nil for any other head.
  public let components: Int?

  public init(_ kind: Kind, levels: Int, components: Int? = nil) {
    precondition(
      kind.levels.contains(levels), "\(kind.name) has \(kind.levels) levels, found \(levels)")
    self.kind = kind
    self.levels = levels
    self.components = kind.components == nil ? nil : components ?? Self.usualComponents
    precondition(
      self.components == components || components == nil, "\(kind.name) is no mixture")
    precondition(
      self.components.map { kind.components!.contains($0) } ?? true,
      "\(kind.name) has \(kind.components!) components, found \(self.components!)")
  }

  /// - Throws: `DecodingError` for a kind, or a number of levels or components, that there is not.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let kind = try container.decode(Kind.self, forKey: .kind)
    func number(_ key: CodingKeys, _ range: ClosedRange<Int>) throws -> Int {
      let value = try container.decode(Int.self, forKey: key)
      guard range.contains(value) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container,
          debugDescription: "\(key.rawValue) of a \(kind.name) head: expected"
            + " \(range.lowerBound) ... \(range.upperBound), found \(value)")
      }
      return value
    }
    self.init(
      kind, levels: try number(.levels, kind.levels),
      components: try kind.components.map { try number(.components, $0) })
  }

  private enum CodingKeys: String, CodingKey {
    case kind, levels, components
  }

  /// In how many steps a model tells the outputs of a pixel.
  public func steps(channels: Int) -> Int { kind.isJoint ? 1 : channels }

  /// Outputs of the model at each step.
  public func outputs(channels: Int) -> Int { kind.outputs(self, channels) }

  /// Outputs of the model for a pixel.
  public func outputsOfPixel(channels: Int) -> Int {
    steps(channels: channels) * outputs(channels: channels)
  }

  /// The outputs of a pixel at which its channels have these log-frequencies of levels, `[C][K]`.
  public func bias(logFrequencies: [[Double]]) -> [Double] {
    kind.isJoint
      ? kind.bias(self, logFrequencies) : logFrequencies.flatMap { kind.bias(self, [$0]) }
  }

  /// What moves and stretches the distribution of a sub-pixel; nil where nothing does.
  public var frame: Frame? { kind.frame?(self) }

  /// The distribution of outputs `[N, …]` of one or more steps.
  public func distribution(_ outputs: Variable, channels: Int) -> any PixelDistribution {
    let (images, each) = (outputs.shape[0], self.outputs(channels: channels))
    let steps = outputs.shape.count / images / each
    return kind.distribution(
      outputs.reshaped([images, steps, each]), self, kind.isJoint ? channels : 1)
  }
}

extension Head.Kind: RawRepresentable, CaseIterable, Codable, Hashable, CustomStringConvertible {
  /// Every head that there is.
  public static let allCases: [Head.Kind] = [
    .bernoulli, .categorical, .logisticMixture, .gaussianMixture, .normal,
  ]

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
