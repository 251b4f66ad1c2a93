import Files
import Foundation
import Synchronization

/// The scores of held-out normal images, by which later images are ranked: kept in a run as JSON.
///
/// ```swift
/// let calibration = try Calibration(scores: ["nats": nats], data: "normal/, 500 images")
/// try calibration.write(to: "run/calibration.json")
/// let p = try calibration.ranks(of: "nats").pValue(of: 130)
/// ```
///
/// The file holds `count`, `data`, `scores`, the `weights` and the `precision` that made them and the
/// `surprise` of normal images by place, the `vectors` of a verdict and what was `learned` from them, and no
/// date: the same scores give the same bytes.
/// Infinite scores (an image the model holds impossible) are the strings "inf" and "-inf".
public struct Calibration: Codable, Equatable, Sendable {
  /// What the normal images were, in words.
  public let data: String
  /// How many there were.
  public let count: Int
  /// For each score name its values, ascending, `count` of them, in the score's unit.
  public let scores: [String: [Double]]
  /// What tells the weights that made the scores from others, where known.
  public let weights: String?
  /// The precision of the activations that made them.
  public let precision: String
  /// How surprising normal images are at each place, where known: what heat maps are relative to.
  public let surprise: NormalSurprise?
  /// Whether none of the images was trained or validated on; nil where that is not known.
  public let heldOut: Bool?
  /// What the verdict is learned from; nil where there is none.
  public let vectors: Vectors?
  /// How well images made odd on purpose are told apart; nil where that was not tried.
  public var controls: [Control.Result]?
  /// Which weights of another run the ratios are by; nil where there are none.
  public let against: String?
  /// What is learned from the vectors.
  private let fitted: Fitted

  /// The scores of each image that are in a verdict.
  public struct Vectors: Codable, Equatable, Sendable {
    /// Their names, and which of their values count.
    public let scores: [String]
    public let tails: [Tail]
    /// A row an image.
    public let values: [[Double]]
    /// Of each image the number of its group: alike images stay together.
    public let groups: [Int]

    public init(scores: [String], tails: [Tail], values: [[Double]], groups: [Int]) {
      self.scores = scores
      self.tails = tails
      self.values = values
      self.groups = groups
    }

    fileprivate func isSound(_ count: Int) -> Bool {
      !scores.isEmpty && tails.count == scores.count && values.count == count
        && count >= ConformalVerdict.fewest && groups.count == count
        && values.allSatisfy { $0.count == scores.count && !$0.contains(where: \.isNaN) }
    }
  }

  private enum CodingKeys: CodingKey {
    case data, count, scores, weights, precision, surprise, heldOut, vectors, learned,
      controls, against
  }

  /// From one value an image for each score, in any order.
  ///
  /// Throws where there is no score or no image, where two scores differ in length, and for NaN.
  public init(
    scores: [String: [Double]], data: String, weights: String? = nil, heldOut: Bool? = nil,
    precision: String = "float32", surprise: NormalSurprise? = nil, vectors: Vectors? = nil,
    against: String? = nil
  ) throws(DetectionError) {
    guard let count = scores.values.first?.count else { throw .missing("score") }
    try Self.check(scores, count: count)
    precondition(vectors?.isSound(count) ?? true, "a verdict needs a vector an image")
    self.data = data
    self.count = count
    self.scores = scores.mapValues { $0.sorted() }
    self.vectors = vectors
    self.weights = weights
    self.precision = precision
    self.surprise = surprise
    self.heldOut = heldOut
    self.against = against
    fitted = Fitted(vectors)
  }

  /// What the images are, as far as it is known.
  public var kind: String { heldOut == true ? "held-out normal images" : "normal images" }

  /// The score that images are judged by where no other is named.
  public var defaultScore: String { vectors == nil ? "nats" : Score.verdict }

  /// What a verdict is learned from normal images; nil where they are too few.
  func verdict() -> ConformalVerdict? {
    fitted.verdict
  }

  /// The ranks of one score; throws where the calibration lacks it.
  public func ranks(of score: String) throws(DetectionError) -> RankPValue {
    if score == Score.verdict, let verdict = verdict() {
      return RankPValue(score: score, normal: verdict.normal)
    }
    guard let normal = scores[score] else {
      throw .unknownScore(
        score, known: (vectors == nil ? [] : [Score.verdict]) + scores.keys.sorted())
    }
    return RankPValue(score: score, sorted: normal)
  }

  /// Reads a calibration; throws one line that names the file and what is wrong in it.
  public init(contentsOf path: String) throws(DetectionError) {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      let bytes = try OpenFile.contents(of: path)
      self = try decoder.decode(Calibration.self, from: Data(bytes))
    } catch {
      throw .unreadable(path: path, reason: Self.reason(error))
    }
  }

  /// Writes JSON, as a whole or not at all. Throws a `FileError`.
  public func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    try AtomicFile.write(encoder.encode(self), to: path)
  }

  /// Decodes and checks: values ascending, `count` of each, none NaN.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    data = try fields.decode(String.self, forKey: .data)
    count = try fields.decode(Int.self, forKey: .count)
    scores = try fields.decode([String: [Double]].self, forKey: .scores)
    weights = try fields.decodeIfPresent(String.self, forKey: .weights)
    precision = try fields.decodeIfPresent(String.self, forKey: .precision) ?? "float32"
    surprise = try fields.decodeIfPresent(NormalSurprise.self, forKey: .surprise)
    heldOut = try fields.decodeIfPresent(Bool.self, forKey: .heldOut)
    vectors = try fields.decodeIfPresent(Vectors.self, forKey: .vectors)
    controls = try fields.decodeIfPresent([Control.Result].self, forKey: .controls)
    against = try fields.decodeIfPresent(String.self, forKey: .against)
    guard vectors?.isSound(count) ?? true else {
      throw DecodingError.dataCorruptedError(
        forKey: .vectors, in: fields,
        debugDescription: "expected the same scores of each of \(count) images")
    }
    let learned = try fields.decodeIfPresent(ConformalVerdict.Learned.self, forKey: .learned)
    if let learned {
      guard let vectors,
        ConformalVerdict.isSound(
          learned, scores: vectors.scores.count, groups: vectors.groups)
      else {
        throw DecodingError.dataCorruptedError(
          forKey: .learned, in: fields, debugDescription: "expected what the vectors teach")
      }
    }
    fitted = Fitted(vectors, learned)
    guard !scores.isEmpty else { throw DetectionError.missing("score") }
    try Self.check(scores, count: count)
    for (name, values) in scores where zip(values, values.dropFirst()).contains(where: { $0 > $1 })
    {
      throw DecodingError.dataCorruptedError(
        forKey: .scores, in: fields, debugDescription: "expected \(name) ascending")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(data, forKey: .data)
    try fields.encode(count, forKey: .count)
    try fields.encode(scores, forKey: .scores)
    try fields.encodeIfPresent(weights, forKey: .weights)
    try fields.encode(precision, forKey: .precision)
    try fields.encodeIfPresent(surprise, forKey: .surprise)
    try fields.encodeIfPresent(heldOut, forKey: .heldOut)
    try fields.encodeIfPresent(vectors, forKey: .vectors)
    try fields.encodeIfPresent(verdict()?.learned, forKey: .learned)
    try fields.encodeIfPresent(controls, forKey: .controls)
    try fields.encodeIfPresent(against, forKey: .against)
  }

  private static func check(_ scores: [String: [Double]], count: Int) throws(DetectionError) {
    guard count > 0 else { throw .missing("normal image") }
    for (name, values) in scores.sorted(by: { $0.key < $1.key }) {
      guard values.count == count else {
        throw .unequalCounts(score: name, expected: count, found: values.count)
      }
      guard !values.contains(where: \.isNaN) else {
        throw .notANumber(score: name, where: "the normal images")
      }
    }
  }

  /// One line for an error of the file system or the decoder.
  private static func reason(_ error: any Error) -> String {
    func field(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
      (context.codingPath + (key.map { [$0] } ?? [])).map(\.stringValue).joined(separator: ".")
    }
    return switch error {
    case let error as DetectionError: error.description
    case DecodingError.keyNotFound(let key, let context): "field \(field(context, key)) is missing"
    case DecodingError.typeMismatch(let type, let context),
      DecodingError.valueNotFound(let type, let context):
      "field \(field(context)) must be \(type)"
    case DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty:
      "expected JSON"
    case DecodingError.dataCorrupted(let context):
      "field \(field(context)): \(context.debugDescription)"
    case let error as FileError: error.problem
    default: "\(error)"
    }
  }
}

/// A verdict that is learned from vectors when it is first asked for, once for all copies of a calibration.
private final class Fitted: Sendable, Equatable {
  private let vectors: Calibration.Vectors?
  private let learned: ConformalVerdict.Learned?
  private let found = Mutex<ConformalVerdict?>(nil)

  init(_ vectors: Calibration.Vectors?, _ learned: ConformalVerdict.Learned? = nil) {
    self.vectors = vectors
    self.learned = learned
  }

  var verdict: ConformalVerdict? {
    guard let vectors else { return nil }
    return found.withLock { found in
      if found == nil {
        found = ConformalVerdict(
          vectors.values, vectors.tails, groups: vectors.groups,
          likelihood: vectors.scores.firstIndex(of: Score.likelihood.name), learned: learned)
      }
      return found
    }
  }

  /// The vectors, which are compared beside it, say all.
  static func == (_: Fitted, _: Fitted) -> Bool { true }
}
