import Files
import Glibc

/// What a data set is to look like, whatever its source looks like.
public struct LoadingOptions: Sendable {
  /// Pixels. Images of another size are resized to it; nil: all must have one size, and keep it.
  public var size: (width: Int, height: Int)?
  /// 1 (grey) or 3 (RGB). Nil: 3 if any image is stored in colour, whatever its colours, else 1.
  public var channels: Int?
  /// Whether to read labels: the first-level subfolder, the IDX file of labels beside the images, or
  /// the label in each CIFAR record or `.amat` line.
  public var useClasses: Bool
  /// Whether a file that would be skipped is an error.
  public var strict: Bool
  /// Whether links to folders outside of the one that is loaded are followed. Links to files always
  /// are, and no folder is read twice.
  public var followLinks: Bool

  public init(
    size: (width: Int, height: Int)? = nil, channels: Int? = nil, useClasses: Bool = false,
    strict: Bool = false, followLinks: Bool = false
  ) {
    precondition(size.map { $0.width > 0 && $0.height > 0 } ?? true, "sides must be positive")
    precondition(channels.map { $0 == 1 || $0 == 3 } ?? true, "channels must be 1 or 3")
    self.size = size
    self.channels = channels
    self.useClasses = useClasses
    self.strict = strict
    self.followLinks = followLinks
  }
}

extension DataSet {
  /// The images at `path`, which is recognised by what it holds:
  ///
  /// | source | recognised by | images |
  /// |---|---|---|
  /// | folder | being one | every PNG and JPEG file below it, sorted by path; hidden ones, runs and what scanline wrote left out |
  /// | PNG, JPEG | first bytes | one |
  /// | `.npy` | first bytes | see `NumPyArray` |
  /// | CIFAR-10, CIFAR-100 | `.bin` and a size of whole records | 32×32 RGB |
  /// | IDX | first bytes | `[N, H, W]` or `[N, H, W, C]` |
  /// | `.amat` | its name | grey ones, square or of the size asked for, a line each |
  ///
  /// All but folders may be compressed with gzip. An image that has not the channels and size asked
  /// for is brought to them by one path for all sources: first the channels
  /// (`Image.converted(toChannels:)`), then the size (`Image.resized(height:width:)`).
  ///
  /// - Parameter progress: called now and then with how many of how many files have been read.
  /// - Throws: `FileError` where nothing can be read, or where a file cannot and `options` are
  ///   strict.
  public static func load(
    _ path: String, options: LoadingOptions = LoadingOptions(),
    progress: ((_ done: Int, _ total: Int) -> Void)? = nil
  ) throws -> DataSet {
    var status = stat()
    guard stat(path, &status) == 0 else { throw FileError(path, cannot: "open") }
    if status.st_mode & S_IFMT == S_IFDIR {
      return try FolderLoading(root: path, options: options).load(progress: progress)
    }
    var data = try file(path, options)
    data = try data.fitted(to: options, path: path)
    progress?(1, 1)
    return data
  }

  private static func file(_ path: String, _ options: LoadingOptions) throws -> DataSet {
    let bytes = try plainBytes(path)
    var data: DataSet
    switch try FileKind(bytes, path: path) {
    case .numPy: data = try NumPyArray.images(bytes, path: path)
    case .picture: data = try picture(bytes, path)
    case .cifar: data = try CIFARBinary.images(bytes, path: path)
    case .idx:
      data = try IDX.images(bytes, path: path)
      if options.useClasses { data = try data.labelled(byFileBeside: path) }
    case .amat: data = try Amat.images(bytes, path: path, size: options.size)
    }
    if options.useClasses, data.labels == nil {
      throw FileError(path, expected: "labels", found: "none")
    }
    return options.useClasses ? data : data.with(labels: nil)
  }

  private static func picture(_ bytes: [UInt8], _ path: String) throws -> DataSet {
    let name = lastComponent(of: path)
    var flawed: [FileRemark] = []
    let image = try Image.decode(bytes, name: path) {
      flawed.append(FileRemark(path: name, reason: $0.onOneLine))
    }
    return DataSet(
      height: image.height, width: image.width, channels: image.channels, pixels: image.pixels,
      names: [name], flawed: flawed)
  }

  /// The bytes of a file, inflated where they are compressed. Both are bounded, by a part of this
  /// machine's memory and by 4 GiB, and what is inflated by what its header says.
  private static func plainBytes(_ path: String) throws -> [UInt8] {
    let limit = min(1 << 32, physicalMemory() / 4)
    let bytes = try OpenFile.contents(of: path, atMost: limit)
    guard Gzip.recognises(bytes) else { return bytes }
    let start = try Gzip.start(of: bytes, length: 1 << 16, path: path)
    let length = try FileKind(start, path: path).length(header: start, path: path)
    return try Gzip.inflate(bytes, path: path, length: length, limit: limit)
  }

  private func labelled(byFileBeside path: String) throws -> DataSet {
    guard let name = IDX.labelName(forImages: path) else {
      throw FileError(
        path,
        problem: "no labels: its name lacks \"images-idx3\", by which the file of labels is found")
    }
    let folder = path.dropLast(lastComponent(of: path).utf8.count)
    let names = name.hasSuffix(".gz") ? [name, String(name.dropLast(3))] : [name, name + ".gz"]
    guard let beside = names.map({ folder + $0 }).first(where: { access($0, F_OK) == 0 }) else {
      throw FileError(path, expected: "its labels in \(folder + name)", found: "no such file")
    }
    let labels = try IDX.labels(DataSet.plainBytes(beside), path: beside)
    guard labels.count == count else {
      throw FileError(beside, expected: "\(count) labels", found: "\(labels.count)")
    }
    return with(labels: labels)
  }
}

/// What kind of file holds images, by its first bytes and its name.
private enum FileKind {
  case numPy, picture, cifar, idx, amat

  init(_ bytes: [UInt8], path: String) throws {
    var name = path.lowercased()
    if name.hasSuffix(".gz") { name = String(name.dropLast(3)) }
    if NumPyArray.recognises(bytes) {
      self = .numPy
    } else if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47])
      || bytes.starts(with: [0xff, 0xd8, 0xff])
    {
      self = .picture
    } else if name.hasSuffix(".bin"), CIFARBinary.recognises(bytes) || !IDX.recognises(bytes) {
      self = .cifar
    } else if IDX.recognises(bytes) {
      self = .idx
    } else if name.hasSuffix(".amat") {
      self = .amat
    } else if let other = OtherImageFormat(signature: Array(bytes.prefix(16))) {
      throw FileError(path, problem: other.advice)
    } else {
      throw FileError(
        path,
        expected: "a folder of images, or a PNG, JPEG, IDX, CIFAR .bin, .amat or .npy file",
        found: bytes.isEmpty ? "an empty file" : "another kind of file")
    }
  }

  /// How long the whole file is, as far as its first bytes tell.
  func length(header bytes: [UInt8], path: String) throws -> Gzip.Length {
    switch self {
    case .numPy: .exactly(try NumPyArray.byteCount(header: bytes, path: path) ?? .max)
    case .idx: .exactly(try IDX.byteCount(header: bytes, path: path) ?? .max)
    case .picture, .cifar, .amat: .unknown
    }
  }
}
