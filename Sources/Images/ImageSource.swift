import Files
import Glibc
import Randomness

/// The images at a path one by one, each at its own size: a folder's files are read when they are asked
/// for, so that memory does not grow with their number.
///
/// ```swift
/// let source = try ImageSource("boards")
/// for index in 0..<source.count { show(try source.image(at: index)) }
/// ```
public struct ImageSource: Sendable {
  /// What was opened, as its user names it.
  public let path: String
  /// What leads from names to files.
  public let place: ImagePlace
  /// Each image's path below the folder, or `file#index` in a file of many.
  public let names: [String]
  /// Files that are no images by their names, folders that cannot be read, links out of the folder.
  public let skipped: [FileRemark]
  /// Flaws of a file of images, which is read when the source is opened.
  public let flawed: [FileRemark]
  /// Runs and what scanline wrote.
  public let leftOut: [FileRemark]
  /// The part of a list of images that this is; nil for all of it.
  public let shard: Shard?
  /// The names of all images of the list that this is a part of.
  public let allNames: [String]
  public var total: Int { allNames.count }
  /// 64 bits by which that list is told from others: of its names and, in a file of images, of their
  /// pixels. Files are not read for it.
  public let listing: UInt64
  /// A file's images, of which this source's are those from `first` on; nil where files are read one by
  /// one.
  private let file: DataSet?
  private let first: Int

  public var count: Int { names.count }

  /// - Throws: `FileError` where nothing can be read.
  public init(_ path: String, followLinks: Bool = false) throws {
    try self.init(path, options: LoadingOptions(followLinks: followLinks))
  }

  /// - Parameter options: what a file of many images is brought to; and whether links are followed.
  public init(_ path: String, options: LoadingOptions) throws {
    var status = stat()
    guard stat(path, &status) == 0 else { throw FileError(path, cannot: "open") }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      self.init(try DataSet.load(path, options: options), at: path)
      return
    }
    let listing = try FolderListing(path, followLinks: options.followLinks)
    guard !listing.pictures.isEmpty else {
      let first = listing.skipped.first ?? listing.leftOut.first
      throw FileError(
        path, expected: "PNG or JPEG images",
        found: first.map { "none; \($0.path): \($0.reason)" } ?? "an empty folder")
    }
    self.init(
      path, .folder(path), listing.pictures, skipped: listing.skipped, leftOut: listing.leftOut)
  }

  /// Image files by their paths, in the order of their bytes, each once.
  /// - Parameter name: what the list is called.
  /// - Throws: `FileError` where there is none.
  public init(files: [String], named name: String) throws {
    guard !files.isEmpty else { throw FileError(name, expected: "paths of images", found: "none") }
    self.init(name, .paths, Set(files).sorted(by: precedes))
  }

  /// Images in memory, of a path.
  public init(_ data: DataSet, at path: String) {
    var status = stat()
    let isFolder = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    self.init(
      path, isFolder ? .folder(path) : .file(path), data.names, skipped: data.skipped,
      flawed: data.flawed, leftOut: data.leftOut, file: data)
  }

  private init(
    _ path: String, _ place: ImagePlace, _ names: [String], skipped: [FileRemark] = [],
    flawed: [FileRemark] = [], leftOut: [FileRemark] = [], file: DataSet? = nil
  ) {
    var hash = Fingerprint(start: UInt64(names.count))
    for name in names {
      var name = name
      name.withUTF8 {
        hash.fold(UInt64($0.count))
        hash.fold(UnsafeRawBufferPointer($0))
      }
    }
    file?.pixels.withUnsafeBytes { hash.fold($0) }
    (self.path, self.place, self.names, self.file) = (path, place, names, file)
    (self.skipped, self.flawed, self.leftOut) = (skipped, flawed, leftOut)
    (shard, allNames, listing, first) = (nil, names, hash.bits, 0)
  }

  /// A part of the images. What is said of files that are none of them goes with the first part.
  public func part(_ shard: Shard) -> ImageSource { ImageSource(self, shard) }

  private init(_ whole: ImageSource, _ shard: Shard) {
    let range = shard.range(of: whole.count)
    let isFirst = shard.index == 1
    (path, place, file) = (whole.path, whole.place, whole.file)
    (allNames, listing, self.shard) = (whole.allNames, whole.listing, shard)
    names = Array(whole.names[range])
    first = range.lowerBound
    (skipped, flawed, leftOut) =
      isFirst ? (whole.skipped, whole.flawed, whole.leftOut) : ([], [], [])
  }

  /// The image at an index, as it is. Throws a `FileError` for a file that is no sound image.
  public func image(at index: Int, noteFlaw: (String) -> Void = { _ in }) throws -> Image {
    if let file { return file.image(at: first + index) }
    return try Image.decode(
      contentsOf: place.path(of: names[index]), limits: Self.limits, noteFlaw: noteFlaw)
  }

  /// The sides of up to so many images, evenly spaced, by their headers; files that have none are
  /// passed over.
  public func sizes(atMost most: Int) -> [(width: Int, height: Int)] {
    if let file { return [(file.width, file.height)] }
    let spacing = max(1, (count + most - 1) / most)
    return stride(from: 0, to: count, by: spacing).compactMap { index in
      try? Image.size(contentsOf: place.path(of: names[index]), limits: Self.limits)
    }
  }

  /// A larger picture file is a mistake more likely than a picture.
  private static let limits = DecodingLimits(maximumFileBytes: 256 << 20)

  /// Some images decoded on all cores and brought to one size and number of channels.
  public func load(
    _ range: Range<Int>, height: Int, width: Int, channels: Int
  ) -> Loaded {
    let outcomes = mapInParallel(range.count, piece: 8) { place in
      var flaw: String?
      let image = Result {
        try self.image(at: range.lowerBound + place) { flaw = $0.onOneLine }
          .fitted(height: height, width: width, channels: channels)
      }
      return (image, flaw: flaw)
    }
    var loaded: [(index: Int, flaw: String?)] = []
    var failures: [(index: Int, error: any Error)] = []
    var pixels: [UInt8] = []
    pixels.reserveCapacity(range.count * height * width * channels)
    for (index, outcome) in zip(range, outcomes) {
      switch outcome.0 {
      case .success(let image):
        pixels += image.pixels
        loaded.append((index, outcome.flaw))
      case .failure(let error): failures.append((index, error))
      }
    }
    return Loaded(
      images: DataSet(
        height: height, width: width, channels: channels, pixels: pixels,
        names: loaded.map { names[$0.index] }), origins: loaded, failures: failures)
  }

  /// Some images, and those that could not be read.
  public struct Loaded {
    public let images: DataSet
    /// Of each image its index in the source, and what is wrong with its file.
    public let origins: [(index: Int, flaw: String?)]
    public let failures: [(index: Int, error: any Error)]
  }

  /// What is made of each image that can be read, in their order, computed on all cores.
  /// - Parameters:
  ///   - strict: whether a file that cannot be read is an error.
  ///   - progress: called now and then with the images done; answers whether to go on.
  /// - Returns: nil where it was stopped.
  public func map<Value: Sendable>(
    strict: Bool = false, progress: (_ done: Int) -> Bool = { _ in true },
    _ make: @Sendable (Image) -> Value
  ) throws -> Mapped<Value>? {
    if strict, let first = skipped.first {
      throw FileError(place.path(of: first.path), problem: first.reason)
    }
    var result = Mapped<Value>(skipped: skipped)
    for start in stride(from: 0, to: count, by: 32) {
      let chunk = start..<min(count, start + 32)
      let outcomes = mapInParallel(chunk.count) { place in
        var flaw: String?
        let value = Result { make(try image(at: start + place) { flaw = $0 }) }
        return (value, flaw: flaw)
      }
      for (index, outcome) in zip(chunk, outcomes) {
        switch outcome.0 {
        case .success(let value):
          result.indices.append(index)
          result.values.append(value)
          if let flaw = outcome.flaw {
            result.flawed.append(FileRemark(path: names[index], reason: flaw.onOneLine))
          }
        case .failure(let error):
          if strict { throw error }
          result.skipped.append(FileRemark(path: names[index], reason: error.reason))
        }
      }
      guard progress(chunk.upperBound) else { return nil }
    }
    guard let first = result.skipped.first, result.values.isEmpty else { return result }
    throw FileError(
      path, expected: "PNG or JPEG images",
      found: "none in \(result.skipped.count) files; \(first.path): \(first.reason)")
  }

  /// What was made of those images that could be read.
  public struct Mapped<Value: Sendable>: Sendable {
    public var values: [Value] = []
    /// Of the values in the source.
    public var indices: [Int] = []
    public var skipped: [FileRemark]
    public var flawed: [FileRemark] = []
  }
}
