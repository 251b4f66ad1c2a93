import Images

/// The images that a run is trained on: for the record, and so that it goes on with no others.
public struct DataDescription: Codable, Equatable, Sendable {
  public var path: String
  public var trainingImages: Int
  /// `DataSet.contentHash` of the training images; nil where it is not known.
  public var trainingHash: String?
  /// Where the validation images came from, or nil for a split by content.
  public var validationPath: String?
  public var validationImages: Int
  public var validationHash: String?

  public init(path: String, training: DataSet, validationPath: String?, validation: DataSet?) {
    self.path = path
    trainingImages = training.count
    trainingHash = training.contentHash
    self.validationPath = validationPath
    validationImages = validation?.count ?? 0
    validationHash = validation?.contentHash
  }

  /// Refuses other images than the described ones for the run at `run`.
  /// - Throws: `DataError`.
  func require(training: DataSet, validation: DataSet?, for run: String) throws {
    func require(_ kind: String, _ count: Int, _ hash: String?, _ data: DataSet?) throws {
      let begun = "expected the \(count) \(kind) images that the run was begun with"
      guard data?.count ?? 0 == count else {
        throw DataError(run, "\(begun), found \(data?.count ?? 0)")
      }
      if let hash, let found = data?.contentHash, found != hash {
        throw DataError(run, "\(begun) (hash \(hash)), found as many others (hash \(found))")
      }
    }
    try require("training", trainingImages, trainingHash, training)
    try require("validation", validationImages, validationHash, validation)
  }
}

extension DataSet {
  /// 64 bits of the images' intensities, sizes and order, as 16 hexadecimal digits. It tells data
  /// sets apart; it is no proof against someone who wants two of them to look alike.
  public var contentHash: String {
    var hash: UInt64 = 0
    // Each step is invertible, so that sets which differ in one word differ in the hash.
    func fold(_ word: UInt64) {
      hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
      hash ^= hash >> 32
    }
    for side in [count, height, width, channels] { fold(UInt64(side)) }
    pixels.withUnsafeBytes { bytes in
      let whole = bytes.count / 8 * 8
      for at in stride(from: 0, to: whole, by: 8) {
        fold(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
      }
      for at in whole..<bytes.count { fold(UInt64(bytes[at])) }
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
