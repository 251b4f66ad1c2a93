import Files
import Glibc

/// The images at a path one by one, each at its own size: a folder's files are read when they are asked
/// for, so that memory does not grow with their number.
///
/// ```swift
/// let source = try ImageSource("boards")
/// for index in 0..<source.count { show(try source.image(at: index)) }
/// ```
public struct ImageSource: Sendable {
  /// What was opened.
  public let path: String
  /// Each image's path below the folder, or `file#index` in a file of many.
  public let names: [String]
  /// Files that are no images by their names, folders that cannot be read, links out of the folder.
  public let skipped: [FileRemark]
  /// Runs and what scanline wrote.
  public let leftOut: [FileRemark]
  /// Nil for a folder.
  private let file: DataSet?

  public var count: Int { names.count }

  /// - Throws: `FileError` where nothing can be read.
  public init(_ path: String, followLinks: Bool = false) throws {
    self.path = path
    var status = stat()
    guard stat(path, &status) == 0 else { throw FileError(path, cannot: "open") }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      let data = try DataSet.load(path)
      (file, names, skipped, leftOut) = (data, data.names, data.skipped, [])
      return
    }
    let listing = try FolderListing(path, followLinks: followLinks)
    (file, names) = (nil, listing.pictures)
    (skipped, leftOut) = (listing.skipped, listing.leftOut)
    guard !names.isEmpty else {
      let first = skipped.first ?? leftOut.first
      throw FileError(
        path, expected: "PNG or JPEG images",
        found: first.map { "none; \($0.path): \($0.reason)" } ?? "an empty folder")
    }
  }

  /// The image at an index, as it is. Throws a `FileError` for a file that is no sound image.
  public func image(at index: Int, noteFlaw: (String) -> Void = { _ in }) throws -> Image {
    if let file { return file.image(at: index) }
    return try Image.decode(
      contentsOf: joined(path, names[index]), limits: Self.limits, noteFlaw: noteFlaw)
  }

  /// The sides of up to so many images, evenly spaced, by their headers; files that have none are
  /// passed over.
  public func sizes(atMost most: Int) -> [(width: Int, height: Int)] {
    if let file { return [(file.width, file.height)] }
    let spacing = max(1, (count + most - 1) / most)
    return stride(from: 0, to: count, by: spacing).compactMap { index in
      try? Image.size(contentsOf: joined(path, names[index]), limits: Self.limits)
    }
  }

  /// A larger picture file is a mistake more likely than a picture.
  private static let limits = DecodingLimits(maximumFileBytes: 256 << 20)

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
      throw FileError(joined(path, first.path), problem: first.reason)
    }
    var result = Mapped<Value>(skipped: skipped)
    for start in stride(from: 0, to: count, by: 32) {
      let chunk = start..<min(count, start + 32)
      var outcomes = [(Result<Value, any Error>, flaw: String?)?](
        repeating: nil, count: chunk.count)
      outcomes.withUnsafeMutableBufferPointer { list in
        nonisolated(unsafe) let outcomes = list  // each index writes its own part
        inParallel(chunk.count, piece: 1) { place in
          var flaw: String?
          let value = Result { make(try image(at: start + place) { flaw = $0 }) }
          outcomes[place] = (value, flaw)
        }
      }
      for (index, outcome) in zip(chunk, outcomes) {
        switch outcome!.0 {
        case .success(let value):
          result.indices.append(index)
          result.values.append(value)
          if let flaw = outcome!.flaw {
            result.flawed.append(FileRemark(path: names[index], reason: flaw.onOneLine))
          }
        case .failure(let error):
          if strict { throw error }
          let reason = (error as? FileError)?.problem ?? "\(error)"
          result.skipped.append(FileRemark(path: names[index], reason: reason.onOneLine))
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
