import Detection
import Files
import Foundation
import Images

/// What a journal is one of: all that its entries, and what is made of them, rest on.
struct InspectionJob: Codable {
  /// Of the entries' own layout.
  static let version = 2

  var version = Self.version
  /// Of the run and its normal images.
  var detector: String
  /// Of all images, and how many there are.
  var listing: UInt64
  var total: Int
  var shard: Shard?
  var scoreNames: [String]
  /// What was asked for that changes what comes out, by its flag.
  var settings: [String: String]
  /// What the images are called, and what leads from names to files.
  var title: String
  var place: ImagePlace
  var picturesAreWhole: Bool
  /// The share of the flagged that may be normal, where that was asked for.
  var falseDiscoveryRate: Double?
  /// Nil where there is to be a table alone.
  var page: Page?

  /// What a report says beside its rows.
  struct Page: Codable {
    var score: String
    var tail: Tail
    var falseAlarmRate: Double
    /// The normal images, with the score alone that others are judged by.
    var normals: Calibration
    /// All normal images, of which some may only be learned from.
    var calibrationImages: Int
    var scale: HeatScale
    var heatMaps: Flagging.HeatMaps
    var command: [String]
  }

  init(
    _ inspector: some Inspector, _ source: ImageSource, _ settings: [String: String],
    falseDiscoveryRate: Double? = nil, page: Page? = nil
  ) {
    detector = inspector.fingerprint
    (listing, total, shard) = (source.listing, source.total, source.shard)
    scoreNames = inspector.scoreNames
    (title, place) = (source.path, source.place)
    picturesAreWhole = inspector.picturesAreWhole
    self.settings = settings
    self.falseDiscoveryRate = falseDiscoveryRate
    self.page = page
  }

  /// How many of the images are this job's.
  var count: Int { (shard ?? Shard(1, of: 1)).range(of: total).count }

  /// What tells another job from this one, in words; nil where entries of one are those of the other.
  /// - Parameter isPart: whether it may be of another shard.
  func difference(from other: InspectionJob, isPart: Bool = false) -> (
    expected: String, found: String
  )? {
    let of = shard.map { "shard \($0)" } ?? "no shard"
    let others = other.shard.map { "shard \($0)" } ?? "no shard"
    let isSameShard = isPart ? shard?.count == other.shard?.count : shard == other.shard
    if version != other.version { return ("a journal of this version of scanline", "another's") }
    if listing != other.listing || total != other.total {
      return ("a journal of these \(total) images", "one of \(other.total) others")
    }
    if !isSameShard { return ("a journal of \(of)", "one of \(others)") }
    for flag in Set(settings.keys).union(other.settings.keys).sorted()
    where settings[flag] != other.settings[flag] {
      let (own, found) = (settings[flag] ?? "none", other.settings[flag] ?? "none")
      return ("a journal with \(flag) \(own)", found)
    }
    if detector != other.detector || scoreNames != other.scoreNames {
      return ("a journal of this run, calibrated alike", "one of another, or before it changed")
    }
    return nil
  }

  /// JSON; the same job gives the same bytes.
  func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(self)
  }

  static func decoded(_ bytes: Data, path: String) throws -> InspectionJob {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return try decoder.decode(InspectionJob.self, from: bytes)
    } catch {
      throw FileError(path, expected: "a journal of this version of scanline", found: "another")
    }
  }
}

extension Flagging.HeatMaps: Codable {}

extension HeatScale: Codable {
  private enum Key: CodingKey { case low, high, unit, threshold }

  /// What a legend says of it: no map can be made on a scale that was decoded.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(ends.lowerBound, forKey: .low)
    try fields.encode(ends.upperBound, forKey: .high)
    try fields.encode(unit, forKey: .unit)
    try fields.encodeIfPresent(threshold, forKey: .threshold)
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    let (low, high) = (
      try fields.decode(Float.self, forKey: .low), try fields.decode(Float.self, forKey: .high)
    )
    guard low < high else {
      throw DecodingError.dataCorruptedError(
        forKey: .high, in: fields, debugDescription: "expected more than \(low)")
    }
    self.init(
      ends: low...high, unit: try fields.decode(String.self, forKey: .unit),
      threshold: try fields.decodeIfPresent(Float.self, forKey: .threshold))
  }
}
