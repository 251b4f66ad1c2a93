import Files
import Images
import RunFiles

/// The images that a run was trained and validated on, known by content: 64 bits of each, as the model
/// saw it but before its intensities became symbols. Neither a file's name nor its format matters;
/// another crop, brightness or compression makes another image.
///
/// ```swift
/// let overlap = try SeenImages(of: trained.run)?.overlap(with: heldOut)
/// if let first = overlap?.trained.first { print(heldOut.names[first], "was trained on") }
/// ```
///
/// In a run it is `seen.bin`: "scanseen", how many images were trained and how many validated on, and
/// their fingerprints, ascending in either part; all numbers of 8 bytes, little-endian.
public struct SeenImages: Equatable, Sendable {
  /// Fingerprints of the training images, ascending.
  public let trained: [UInt64]
  /// Those of the validation images.
  public let validated: [UInt64]

  private static let magic = Array("scanseen".utf8)

  public init(training: any TrainingImages, validation: DataSet?) {
    trained = training.fingerprints.sorted()
    validated = (validation?.fingerprints ?? []).sorted()
  }

  /// What a run keeps; nil where it keeps nothing, as those of earlier versions do.
  /// - Throws: `FileError` for a file that is damaged.
  public init?(of run: RunFolder) throws {
    let path = run.seenImagesFile
    guard run.knowsSeenImages else { return nil }
    let bytes = try OpenFile.contents(of: path)
    let words = bytes.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count - 7, by: 8).map {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
      }
    }
    guard bytes.starts(with: Self.magic), words.count >= 3, bytes.count.isMultiple(of: 8),
      words[1] <= words.count, words[2] <= words.count,
      Int(words[1]) + Int(words[2]) == words.count - 3
    else {
      throw FileError(
        path, expected: "fingerprints of as many images as it says",
        found: "\(bytes.count) bytes of something else")
    }
    let end = 3 + Int(words[1])
    trained = Array(words[3..<end])
    validated = Array(words[end...])
    for part in [trained, validated] where zip(part, part.dropFirst()).contains(where: { $0 > $1 })
    {
      throw FileError(path, expected: "fingerprints in order", found: "some that are not")
    }
  }

  /// Writes them into a run, whole or not at all. Throws a `FileError`.
  public func write(to run: RunFolder) throws {
    let numbers = [UInt64(trained.count), UInt64(validated.count)] + trained + validated
    try AtomicFile.write(to: run.seenImagesFile) { output in
      try Self.magic.withUnsafeBytes { try output.write($0) }
      try numbers.map(\.littleEndian).withUnsafeBytes { try output.write($0) }
    }
  }

  /// Which images of a data set were seen. They have to be of the run's size and channels.
  public func overlap(with data: DataSet) -> Overlap {
    let fingerprints = data.fingerprints
    func indices(in seen: [UInt64]) -> [Int] {
      let seen = Set(seen)
      return fingerprints.indices.filter { seen.contains(fingerprints[$0]) }
    }
    let twins = zip(trained, trained.dropFirst()).reduce(into: (count: 0, inRow: false)) {
      twins, pair in
      guard pair.0 == pair.1 else {
        twins.inRow = false
        return
      }
      twins.count += twins.inRow ? 1 : 2
      twins.inRow = true
    }
    return Overlap(
      images: data.count, trained: indices(in: trained), validated: indices(in: validated),
      shareOfTwins: trained.isEmpty ? 0 : Double(twins.count) / Double(trained.count),
      trainingImages: trained.count)
  }

  /// How far a data set consists of images that a run has seen.
  public struct Overlap: Equatable, Sendable {
    /// Images of the data set.
    public let images: Int
    /// Indices of those that were trained on.
    public let trained: [Int]
    /// Indices of those that were validated on.
    public let validated: [Int]
    /// The share of the training images that have a twin among the training images, 0…1.
    public let shareOfTwins: Double
    /// How many images were trained on.
    public let trainingImages: Int

    /// No image was seen.
    public var isEmpty: Bool { trained.isEmpty && validated.isEmpty }

    /// The share of images that were trained on beyond what chance explains, 0…1.
    ///
    /// Where images repeat by nature (blank pages, icons), held-out ones are among the training images
    /// as often as these are among themselves; three standard errors of that share are allowed for.
    public var excess: Double {
      guard images > 0, trainingImages > 0 else { return 0 }
      let chance = shareOfTwins
      let variance = chance * (1 - chance) * (1 / Double(images) + 1 / Double(trainingImages))
      return max(0, Double(trained.count) / Double(images) - chance - 3 * variance.squareRoot())
    }
  }
}
