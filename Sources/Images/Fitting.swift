import Dispatch
import Files

extension Image {
  /// This image with the channels and size asked for: the one path for all sources, channels first.
  func fitted(height: Int, width: Int, channels: Int) -> Image {
    converted(toChannels: channels).resized(height: height, width: width)
  }
}

extension DataSet {
  /// These images with the channels and size asked for, where any are.
  func fitted(to options: LoadingOptions, path: String) throws -> DataSet {
    let channels = options.channels ?? self.channels
    let (width, height) = options.size ?? (self.width, self.height)
    if (width, height, channels) == (self.width, self.height, self.channels) { return self }

    let dimension = width * height * channels
    var fitted = try buffer(images: count, height: height, width: width, channels: channels, path)
    fitted.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let output = buffer  // each index writes its own part
      inParallel(count) { index in
        let image = image(at: index).fitted(height: height, width: width, channels: channels)
        copy(image.pixels, to: output, at: index * dimension)
      }
    }
    // Grey repeated in three channels stays black and white; averages of either kind do not.
    let staysBinary = (width, height) == (self.width, self.height) && channels == 3
    return DataSet(
      height: height, width: width, channels: channels, pixels: fitted, names: names,
      labels: labels, classNames: classNames, skipped: skipped, flawed: flawed, leftOut: leftOut,
      levelsOfSource: staysBinary ? levelsOfSource : 256)
  }
}

/// Room for the pixels of `images` images, refused where it would not leave memory for the rest.
func buffer(
  images: Int, height: Int, width: Int, channels: Int, _ path: String
) throws -> [UInt8] {
  let limit = physicalMemory() / 4 * 3
  guard let size = checkedProduct([images, width, height, channels]), size <= limit else {
    throw FileError(
      path,
      problem:
        "\(images) images of \(width)x\(height)x\(channels) need more than three quarters of this"
        + " machine's memory; ask for a smaller --size")
  }
  return [UInt8](repeating: 0, count: size)
}

func copy(_ values: [UInt8], to output: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
  _ = UnsafeMutableBufferPointer(rebasing: output[start..<start + values.count])
    .update(fromContentsOf: values)
}

/// Calls `body` for each of 0 ..< `count` on all cores, in pieces of neighbours.
func inParallel(_ count: Int, piece: Int = 8, _ body: @Sendable (Int) -> Void) {
  DispatchQueue.concurrentPerform(iterations: (count + piece - 1) / piece) { part in
    for index in part * piece..<min(count, (part + 1) * piece) { body(index) }
  }
}

/// What `make` makes of each of 0 ..< `count`, in their order, on all cores, in pieces of neighbours.
package func mapInParallel<Value>(
  _ count: Int, piece: Int = 1, _ make: @Sendable (Int) -> Value
) -> [Value] {
  var values = [Value?](repeating: nil, count: count)
  values.withUnsafeMutableBufferPointer { list in
    nonisolated(unsafe) let values = list  // each index writes its own part
    inParallel(count, piece: piece) { values[$0] = make($0) }
  }
  return values.map { $0! }
}
