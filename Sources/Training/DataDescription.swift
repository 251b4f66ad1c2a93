import Files
import Images
import Randomness

/// The images that a run is trained on: for the record, and so that it goes on with no others.
public struct DataDescription: Codable, Equatable, Sendable {
  public var path: String
  public var trainingImages: Int
  /// `DataSet.contentHash` of the training images; nil where it is not known.
  public var trainingHash: String?
  /// How many of the training images each class has, by its name; nil where images have no labels.
  public var trainingImagesByClass: [String: Int]?
  /// Where the validation images came from, or nil for a split by content.
  public var validationPath: String?
  public var validationImages: Int
  public var validationHash: String?
  /// Images that were set aside before any of these were chosen; nil for none.
  public var heldOut: HeldOut?

  /// Images of the same source that are neither trained nor validated on.
  public struct HeldOut: Codable, Equatable, Sendable {
    /// How many were asked for; nil for a share of what there is.
    public var asked: Int?
    /// What else kept images together beside being near-duplicates; nil for nothing.
    public var groupBy: String?
    public var images: Int

    public init(asked: Int?, groupBy: String?, images: Int) {
      self.asked = asked
      self.groupBy = groupBy
      self.images = images
    }
  }

  public init(
    path: String, training: any TrainingImages, validationPath: String?, validation: DataSet?
  ) {
    self.path = path
    trainingImages = training.count
    trainingHash = training.contentHash
    trainingImagesByClass = training.imagesByClass
    self.validationPath = validationPath
    validationImages = validation?.count ?? 0
    validationHash = validation?.contentHash
  }

  /// Refuses other images than the described ones for the run at `run`.
  /// - Throws: `FileError`.
  func require(training: any TrainingImages, validation: DataSet?, for run: String) throws {
    func require(
      _ kind: String, _ count: Int, _ hash: String?, _ data: (any TrainingImages)?
    ) throws {
      let begun = "expected the \(count) \(kind) images that the run was begun with"
      guard data?.count ?? 0 == count else {
        throw FileError(run, problem: "\(begun), found \(data?.count ?? 0)")
      }
      if let hash, let found = data?.contentHash, found != hash {
        throw FileError(
          run, problem: "\(begun) (hash \(hash)), found as many others (hash \(found))")
      }
    }
    try require("training", trainingImages, trainingHash, training)
    try require("validation", validationImages, validationHash, validation)
  }
}

extension DataSet {
  /// How many images each class has, by its name, also classes of none; nil without labels.
  public var imagesByClass: [String: Int]? {
    guard let labels else { return nil }
    var counts = Dictionary(classNames.map { ($0, 0) }) { first, _ in first }
    for label in labels { counts[classNames[label]]! += 1 }
    return counts
  }

  /// The fingerprint of the images' intensities, sizes and order, as 16 hexadecimal digits.
  public var contentHash: String {
    var hash = Fingerprint()
    for side in [count, height, width, channels] { hash.fold(UInt64(side)) }
    pixels.withUnsafeBytes { hash.fold($0) }
    return hash.digits
  }
}

/// The fingerprint of these words as 16 digits.
func hexadecimal(_ words: [UInt64]) -> String {
  var hash = Fingerprint()
  for word in words { hash.fold(word) }
  return hash.digits
}

extension Fingerprint {
  fileprivate var digits: String {
    let digits = String(bits, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
