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
  /// Look at this many images (of a folder, image files) at most, from the first.
  public var limit: Int?

  public init(
    size: (width: Int, height: Int)? = nil, channels: Int? = nil, useClasses: Bool = false,
    strict: Bool = false, limit: Int? = nil
  ) {
    precondition(size.map { $0.width > 0 && $0.height > 0 } ?? true, "sides must be positive")
    precondition(channels.map { $0 == 1 || $0 == 3 } ?? true, "channels must be 1 or 3")
    precondition(limit.map { $0 > 0 } ?? true, "a limit must be positive")
    self.size = size
    self.channels = channels
    self.useClasses = useClasses
    self.strict = strict
    self.limit = limit
  }
}

extension DataSet {
  /// The images at `path`, which is recognised by what it holds:
  ///
  /// | source | recognised by | images |
  /// |---|---|---|
  /// | folder | being one | every PNG and JPEG file below it, sorted by path, hidden ones left out |
  /// | PNG, JPEG | first bytes | one |
  /// | `.npy` | first bytes | see `NumPyArray` |
  /// | CIFAR-10, CIFAR-100 | `.bin` and a size of whole records | 32×32 RGB |
  /// | IDX | first bytes | `[N, H, W]` or `[N, H, W, C]` |
  /// | `.amat` | its name | grey ones, square or of the size asked for, a line each |
  ///
  /// All but folders may be compressed with gzip. An image that has not the channels and size asked
  /// for is brought to them by one path for all sources: first the channels
  /// (`Image.converted(toChannels:)`), then the size (`Image.resized(width:height:)`).
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
    if let limit = options.limit, limit < data.count { data = data[0..<limit] }
    data = try data.fitted(to: options, path: path)
    progress?(1, 1)
    return data
  }

  private static func file(_ path: String, _ options: LoadingOptions) throws -> DataSet {
    let useClasses = options.useClasses
    let bytes = try plainBytes(path)
    let name = plainName(path)
    var data: DataSet
    if NumPyArray.recognises(bytes) {
      data = try NumPyArray.images(bytes, path: path)
    } else if isPicture(bytes) {
      let image = try Image.decode(bytes, name: path)
      data = DataSet(
        height: image.height, width: image.width, channels: image.channels, pixels: image.pixels,
        names: [lastComponent(of: path)])
    } else if name.hasSuffix(".bin"), CIFARBinary.recognises(bytes) || !IDX.recognises(bytes) {
      data = try CIFARBinary.images(bytes, path: path)
    } else if IDX.recognises(bytes) {
      data = try IDX.images(bytes, path: path)
      if useClasses { data = try data.labelled(byFileBeside: path) }
    } else if name.hasSuffix(".amat") {
      data = try Amat.images(bytes, path: path, size: options.size)
    } else {
      throw FileError(
        path,
        expected: "a folder of images, or a PNG, JPEG, IDX, CIFAR .bin, .amat or .npy file",
        found: bytes.isEmpty ? "an empty file" : "another kind of file")
    }
    if useClasses, data.labels == nil { throw FileError(path, expected: "labels", found: "none") }
    return useClasses ? data : data.with(labels: nil)
  }

  /// The bytes of a file, inflated where they are compressed. Both are bounded, by a part of this
  /// machine's memory and by 4 GiB.
  private static func plainBytes(_ path: String) throws -> [UInt8] {
    let limit = min(1 << 32, physicalMemory() / 4)
    let bytes = try OpenFile.contents(of: path, atMost: limit)
    return Gzip.recognises(bytes)
      ? try Gzip.inflate(bytes, path: path, limit: limit) : bytes
  }

  private static func plainName(_ path: String) -> String {
    let name = path.lowercased()
    return name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
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

private func isPicture(_ bytes: [UInt8]) -> Bool {
  bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) || bytes.starts(with: [0xff, 0xd8, 0xff])
}
