import Files
import Images
import Reports
import Training

/// What is told of images as they are read.
public enum Reading: Sendable {
  /// So many files of a path are done, of so many.
  case files(path: String, done: Int, of: Int)
  /// A path is read.
  case done(FilesRead)
}

/// What there is to say of the files of a path.
public struct FilesRead: Equatable, Sendable {
  public let path: String
  /// Runs and what scanline wrote.
  public let leftOut: [FileRemark]
  /// Passed over, as they cannot be read.
  public let skipped: [FileRemark]
  /// Read in spite of a flaw.
  public let flawed: [FileRemark]

  public init(
    path: String, leftOut: [FileRemark] = [], skipped: [FileRemark] = [],
    flawed: [FileRemark] = []
  ) {
    self.path = path
    self.leftOut = leftOut
    self.skipped = skipped
    self.flawed = flawed
  }
}

extension DataSet {
  /// The images at a path, told of as they are read.
  /// - Returns: nil where `watch` answered false.
  /// - Throws: `FileError` where nothing can be read.
  public static func load(
    _ path: String, options: LoadingOptions, watch: @escaping (Reading) -> Bool
  ) throws -> DataSet? {
    var goesOn = true
    let data = try load(path, options: options) { done, total in
      goesOn = watch(.files(path: path, done: done, of: total)) && goesOn
    }
    let read = FilesRead(
      path: path, leftOut: data.leftOut, skipped: data.skipped, flawed: data.flawed)
    return watch(.done(read)) && goesOn ? data : nil
  }
}

extension ScaledImages {
  /// The images of a path at a working scale; those that are smaller than a crop are passed over.
  /// - Returns: nil where `watch` answered false.
  /// - Throws: `FileError` where nothing can be read, or where no image has a crop.
  public static func load(
    _ path: String, for crops: CropOptions, channels: Int, strict: Bool = false,
    followLinks: Bool = false, watch: (Reading) -> Bool = { _ in true }
  ) throws -> ScaledImages? {
    let source = try ImageSource(path, followLinks: followLinks)
    let all = try load(source, scale: crops.scale, channels: channels, strict: strict) { done in
      watch(.files(path: path, done: done, of: source.count))
    }
    guard let images = try all?.leavingOut(smallerThan: crops, strict: strict, of: path) else {
      return nil
    }
    let read = FilesRead(
      path: path, leftOut: images.leftOut, skipped: images.skipped, flawed: images.flawed)
    return watch(.done(read)) ? images : nil
  }

  /// Without images that have no crop, which are remarked upon.
  private func leavingOut(
    smallerThan crops: CropOptions, strict: Bool, of path: String
  ) throws(FileError) -> ScaledImages {
    let small = images.indices.filter {
      images[$0].width < crops.width || images[$0].height < crops.height
    }
    guard let first = small.first else { return self }
    let wanted = "at least \(crops.width)x\(crops.height) pixels at scale \(crops.scale)"
    func found(_ index: Int) -> String { "\(images[index].width)x\(images[index].height)" }
    guard !strict, small.count < count else {
      throw FileError(
        path, names[first], expected: wanted, found: "\(found(first)); choose a smaller --crop")
    }
    let isSmall = Set(small)
    return self[images.indices.filter { !isSmall.contains($0) }].passingOver(
      small.map {
        FileRemark(path: names[$0], reason: "expected \(wanted), found \(found($0))")
      })
  }
}

extension TrainedClassifier {
  /// The images of a path as the run wants them, with their labels, of the classes of the run.
  /// - Returns: nil where `watch` answered that it should stop.
  /// - Throws: `FileError` where nothing can be read, or where an image is of no class of the run.
  public func images(
    at path: String, strict: Bool = false, followLinks: Bool = false,
    watch: @escaping (Reading) -> Bool = { _ in true }
  ) throws -> DataSet? {
    var options = configuration.loadingOptions
    (options.useClasses, options.strict, options.followLinks) = (true, strict, followLinks)
    let data = try DataSet.load(path, options: options, watch: watch)
    return try data.map { try $0.labelled(asIn: classNames, of: path) }
  }
}

extension TrainedModel {
  /// The images of a path as the run wants them: of its size and channels; of a run that has learned
  /// from crops, cut into crops side by side.
  /// - Parameters:
  ///   - useClasses: whether to read labels, of the classes of the run, which must have some.
  ///   - watch: told of the reading; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `FileError` where nothing can be read, or where an image is of no class of the run.
  public func images(
    at path: String, useClasses: Bool = false, strict: Bool = false, followLinks: Bool = false,
    watch: @escaping (Reading) -> Bool = { _ in true }
  ) throws -> DataSet? {
    guard let crops = configuration.crops else {
      var options = loadingOptions
      options.strict = strict
      options.followLinks = followLinks
      options.useClasses = useClasses
      let data = try DataSet.load(path, options: options, watch: watch)
      guard useClasses, let names = configuration.classNames else { return data }
      return try data.map { try $0.labelled(asIn: names, of: path) }
    }
    let images = try ScaledImages.load(
      path, for: crops, channels: configuration.model.image.channels, strict: strict,
      followLinks: followLinks, watch: watch)
    return images.map { Crops.grid(of: $0, width: crops.width, height: crops.height) }
  }
}

extension ReadingReport {
  init(_ reads: [FilesRead]) {
    self.init()
    for read in reads { add(read.path, skipped: read.skipped, flawed: read.flawed) }
  }
}
