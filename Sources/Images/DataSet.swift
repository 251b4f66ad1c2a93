import Files

/// Images of one size and channel count in memory, 8 bits a sub-pixel.
///
/// ```swift
/// let data = try DataSet.load("parts", options: LoadingOptions(size: (width: 32, height: 32)))
/// let (training, validation) = data.split()
/// ```
public struct DataSet: Equatable, Sendable {
  public let count: Int
  public let height: Int
  public let width: Int
  /// 1 (grey) or 3 (R, G, B).
  public let channels: Int
  /// `[count, height, width, channels]` intensities, 0 (black) … 255 (white).
  public let pixels: [UInt8]
  /// Each image's path below the folder that was loaded, or `file#index` (from 0) for an image in a
  /// file of many.
  public let names: [String]
  /// Each image's index into `classNames`, where classes were asked for.
  public let labels: [Int]?
  /// Sorted folder names, or the label numbers of an array file; empty without labels.
  public let classNames: [String]
  /// Files passed over, sorted by path.
  public let skipped: [FileRemark]
  /// Files read in spite of a flaw that leaves the picture whole, sorted by path.
  public let flawed: [FileRemark]
  /// Folders and files of scanline's own that are not there for a data set: runs, and what the verbs
  /// wrote. Sorted by path.
  public let leftOut: [FileRemark]
  /// 2 where every intensity is 0 or 255 because the source holds only 0 and 1, else 256.
  public let levelsOfSource: Int

  /// Sub-pixels an image.
  public var dimension: Int { height * width * channels }

  public init(
    height: Int, width: Int, channels: Int, pixels: [UInt8], names: [String],
    labels: [Int]? = nil, classNames: [String] = [], skipped: [FileRemark] = [],
    flawed: [FileRemark] = [], leftOut: [FileRemark] = [], levelsOfSource: Int = 256
  ) {
    precondition(
      height > 0 && width > 0 && (channels == 1 || channels == 3),
      "images need positive sides and 1 or 3 channels, found \(width)x\(height)x\(channels)")
    precondition(
      pixels.count == names.count * height * width * channels,
      "\(names.count) images of \(width)x\(height)x\(channels) do not have \(pixels.count) values")
    precondition(
      labels.map { $0.count == names.count && $0.allSatisfy(classNames.indices.contains) } ?? true,
      "each of \(names.count) images needs a label in 0 ..< \(classNames.count)")
    self.count = names.count
    self.height = height
    self.width = width
    self.channels = channels
    self.pixels = pixels
    self.names = names
    self.labels = labels
    self.classNames = classNames
    self.skipped = skipped
    self.flawed = flawed
    self.leftOut = leftOut
    self.levelsOfSource = levelsOfSource
  }

  /// The images of several sets of one shape, one after the other, or the first of them; without labels.
  public init(joining sets: [DataSet], first: Int? = nil) {
    precondition(!sets.isEmpty, "there is nothing to join")
    let (shape, count) = (sets[0], first ?? .max)
    let total = sets.reduce(0) { $0 + $1.count }
    self.init(
      height: shape.height, width: shape.width, channels: shape.channels,
      pixels: Array(sets.map(\.pixels).joined().prefix(min(count, total) * shape.dimension)),
      names: Array(sets.flatMap(\.names).prefix(count)), skipped: sets.flatMap(\.skipped),
      flawed: sets.flatMap(\.flawed), leftOut: sets.flatMap(\.leftOut),
      levelsOfSource: sets.map(\.levelsOfSource).max()!)
  }

  /// The image at `index`.
  public func image(at index: Int) -> Image {
    Image(
      height: height, width: width, channels: channels,
      pixels: Array(pixels[index * dimension..<(index + 1) * dimension]))
  }

  /// The images at `indices`, in that order, repeats included. What is said of files goes along.
  public subscript(indices: some Collection<Int>) -> DataSet {
    var chosen: [UInt8] = []
    chosen.reserveCapacity(indices.count * dimension)
    for index in indices { chosen += pixels[index * dimension..<(index + 1) * dimension] }
    return DataSet(
      height: height, width: width, channels: channels, pixels: chosen,
      names: indices.map { names[$0] }, labels: labels.map { all in indices.map { all[$0] } },
      classNames: classNames, skipped: skipped, flawed: flawed, leftOut: leftOut,
      levelsOfSource: levelsOfSource)
  }

  /// The same images with labels of these classes, by name, whatever other classes there are.
  /// - Throws: `FileError` naming an image of another class.
  public func labelled(asIn names: [String], of path: String) throws(FileError) -> DataSet {
    guard let labels else { throw FileError(path, expected: "labels", found: "none") }
    let places = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    let table = classNames.map { places[$0] }
    if let stranger = labels.indices.first(where: { table[labels[$0]] == nil }) {
      let few = names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
      throw FileError(
        path, self.names[stranger], expected: "one of the classes \(few)",
        found: classNames[labels[stranger]])
    }
    return DataSet(
      height: height, width: width, channels: channels, pixels: pixels, names: self.names,
      labels: labels.map { table[$0]! }, classNames: names, skipped: skipped, flawed: flawed,
      leftOut: leftOut, levelsOfSource: levelsOfSource)
  }

  /// The same images with these labels, or without any. A label's class is named by its number.
  func with(labels: [Int]?) -> DataSet {
    DataSet(
      height: height, width: width, channels: channels, pixels: pixels, names: names,
      labels: labels, classNames: labels.map { (0...($0.max() ?? 0)).map(String.init) } ?? [],
      skipped: skipped, flawed: flawed, leftOut: leftOut, levelsOfSource: levelsOfSource)
  }
}

/// What is to be said of one file below a folder that was loaded.
public struct FileRemark: Equatable, Hashable, Codable, Sendable {
  /// Relative to the folder that was loaded.
  public let path: String
  /// One line, without the path.
  public let reason: String

  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }
}
