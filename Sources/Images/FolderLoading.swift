import Files

/// Reads the PNG and JPEG files below a folder on all cores, straight into one array.
struct FolderLoading: Sendable {
  let root: String
  let options: LoadingOptions

  func load(progress: ((_ done: Int, _ total: Int) -> Void)?) throws -> DataSet {
    let listing = try FolderListing(root, followLinks: options.followLinks)
    var skipped = listing.skipped
    var files = listing.pictures
    if options.useClasses {
      skipped += files.filter { folderOfClass($0) == nil }.map {
        FileRemark(path: $0, reason: "not in a subfolder, which would be its class")
      }
      files.removeAll { folderOfClass($0) == nil }
    }
    let classNames = Set(options.useClasses ? files.compactMap(folderOfClass) : []).sorted()
    if options.strict, let first = skipped.first { throw refusal(first) }

    var (shape, reference) = try commonShape(of: files, skipped: skipped, listing.leftOut)
    var pass = try decode(files, as: shape, reference: reference, progress: progress)
    if pass.foundColour {
      shape.channels = 3
      pass = try decode(files, as: shape, reference: reference, progress: progress)
    }
    skipped += pass.skipped
    guard !pass.loaded.isEmpty else { throw nothingReadable(skipped, listing.leftOut) }

    let names = pass.loaded.map { files[$0] }
    let classOf = Dictionary(uniqueKeysWithValues: zip(classNames, classNames.indices))
    return DataSet(
      height: shape.height, width: shape.width, channels: shape.channels, pixels: pass.pixels,
      names: names, labels: options.useClasses ? names.map { classOf[folderOfClass($0)!]! } : nil,
      classNames: classNames, skipped: skipped.sorted { precedes($0.path, $1.path) },
      flawed: pass.flawed, leftOut: listing.leftOut)
  }

  // MARK: Shape

  private struct Shape {
    var height, width, channels: Int
  }

  /// The shape asked for, completed by the first readable image, with that image's path.
  private func commonShape(
    of files: [String], skipped: [FileRemark], _ leftOut: [FileRemark]
  ) throws -> (Shape, reference: String) {
    if let size = options.size, let channels = options.channels {
      return (Shape(height: size.height, width: size.width, channels: channels), "")
    }
    var skipped = skipped
    for file in files {
      do {
        let image = try decode(file)
        let (width, height) = options.size ?? (image.width, image.height)
        let channels = options.channels ?? image.channels
        return (Shape(height: height, width: width, channels: channels), file)
      } catch {
        skipped.append(try skip(file, error))
      }
    }
    throw nothingReadable(skipped, leftOut)
  }

  // MARK: Decoding

  private enum Outcome {
    case loaded(flaw: String?)
    case failed(any Error)
    case otherSize(width: Int, height: Int)
    case colour
  }

  private struct Pass {
    var pixels: [UInt8]
    var loaded: [Int] = []
    var skipped: [FileRemark] = []
    var flawed: [FileRemark] = []
    var foundColour = false

    /// Moves the loaded images together over the places of those that failed.
    mutating func closeGaps(dimension: Int) {
      if skipped.isEmpty { return }
      pixels.withUnsafeMutableBytes { bytes in
        for (place, index) in loaded.enumerated() where place != index {
          let image = UnsafeRawBufferPointer(
            rebasing: bytes[index * dimension..<(index + 1) * dimension])
          UnsafeMutableRawBufferPointer(rebasing: bytes[(place * dimension)...])
            .copyMemory(from: image)
        }
      }
      pixels.removeLast(pixels.count - loaded.count * dimension)
    }
  }

  /// Decodes all files to `shape`, in parallel, with a result that depends on their order only.
  /// Stops at the first image in colour where the shape is grey by guess, not by request.
  private func decode(
    _ files: [String], as shape: Shape, reference: String,
    progress: ((_ done: Int, _ total: Int) -> Void)?
  ) throws -> Pass {
    let (width, height, channels) = (shape.width, shape.height, shape.channels)
    let dimension = width * height * channels
    var pass = Pass(
      pixels: try buffer(
        images: files.count, height: height, width: width, channels: channels, root))
    for start in stride(from: 0, to: files.count, by: 256) {
      let chunk = start..<min(files.count, start + 256)
      var outcomes = [Outcome](repeating: .loaded(flaw: nil), count: chunk.count)
      pass.pixels.withUnsafeMutableBufferPointer { pixels in
        outcomes.withUnsafeMutableBufferPointer { list in
          // Each index has its own part of both.
          nonisolated(unsafe) let (output, outcomes) = (pixels, list)
          inParallel(chunk.count) { index in
            do {
              var flaw: String?
              let image = try decode(files[start + index]) { flaw = $0 }
              if options.size == nil, (image.width, image.height) != (width, height) {
                outcomes[index] = .otherSize(width: image.width, height: image.height)
              } else if options.channels == nil, image.channels > channels {
                outcomes[index] = .colour
              } else {
                let fitted = image.fitted(height: height, width: width, channels: channels)
                copy(fitted.pixels, to: output, at: (start + index) * dimension)
                outcomes[index] = .loaded(flaw: flaw)
              }
            } catch {
              outcomes[index] = .failed(error)
            }
          }
        }
      }
      for (index, outcome) in zip(chunk, outcomes) {
        switch outcome {
        case .loaded(let flaw):
          pass.loaded.append(index)
          if let flaw {
            pass.flawed.append(FileRemark(path: files[index], reason: flaw.onOneLine))
          }
        case .failed(let error):
          pass.skipped.append(try skip(files[index], error))
        case .otherSize(let otherWidth, let otherHeight):
          throw FileError(
            root,
            problem: "expected one size, found \(width)x\(height) in \(reference) and"
              + " \(otherWidth)x\(otherHeight) in \(files[index]); choose one with --size WxH")
        case .colour:
          pass.foundColour = true
          return pass
        }
      }
      progress?(chunk.upperBound, files.count)
    }
    pass.closeGaps(dimension: dimension)
    return pass
  }

  private func decode(
    _ file: String, noteFlaw: (String) -> Void = { _ in }
  ) throws -> Image {
    // A larger picture file is a mistake more likely than a picture.
    try Image.decode(
      contentsOf: joined(root, file), limits: DecodingLimits(maximumFileBytes: 256 << 20),
      noteFlaw: noteFlaw)
  }

  // MARK: What is left out

  private func skip(_ file: String, _ error: any Error) throws -> FileRemark {
    let skipped = FileRemark(path: file, reason: error.reason)
    if options.strict { throw refusal(skipped) }
    return skipped
  }

  private func refusal(_ file: FileRemark) -> FileError {
    FileError(joined(root, file.path), problem: file.reason)
  }

  private func nothingReadable(_ skipped: [FileRemark], _ leftOut: [FileRemark]) -> FileError {
    func first(_ remarks: [FileRemark]) -> String? {
      remarks.min { precedes($0.path, $1.path) }.map { "\($0.path): \($0.reason)" }
    }
    let found =
      first(skipped).map { "none in \(skipped.count) files; \($0)" }
      ?? first(leftOut).map { "only what is left out; \($0)" } ?? "an empty folder"
    return FileError(root, expected: "PNG or JPEG images", found: found)
  }

  private func folderOfClass(_ file: String) -> String? {
    file.firstIndex(of: "/").map { String(file[..<$0]) }
  }
}
