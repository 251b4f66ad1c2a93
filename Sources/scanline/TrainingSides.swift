import Detection
import Images
import Models

/// Which images of a training are learned, validated on and set aside.
extension TrainingJob {
  /// Images in two: those to learn from, and those that later ones are ranked among.
  /// - Parameter path: of the images, to tell of; nil to tell nothing.
  static func setAside(
    _ holdOut: HoldOut, of all: DataSet, _ path: String?, seed: UInt64, _ console: Console
  ) throws -> HoldOut.Sides {
    // Each image is held against each other: seconds from some thousands on.
    if all.count >= 4_000 && holdOut.count != 0 {
      console.note("looking for near-duplicates among \(all.count) images")
    }
    let sides = try holdOut.divide(all, seed: seed)
    guard let path else { return sides }
    if sides.leftOut > 0 {
      console.note(
        "\(path): \(counted(sides.leftOut, "image")) left out that are near-duplicates of images set"
          + " aside")
    }
    if sides.held.count == 0 && holdOut.count != 0 {
      console.note(
        "\(path): too few images, or groups of them, to set any aside that later ones are ranked among:"
          + " give others to scanline calibrate")
    }
    return sides
  }

  /// The images to train on and those to validate on: another source, or a part of these.
  static func split(
    _ all: DataSet, _ shape: ImageShape, _ validationPath: String?, seed: UInt64,
    _ reading: ReadingOptions, _ console: Console
  ) throws -> (DataSet, DataSet?) {
    if let validationPath {
      let options = LoadingOptions(
        size: (shape.width, shape.height), channels: shape.channels, strict: reading.strict,
        followLinks: reading.followLinks)
      return (all, try load(validationPath, options, console))
    }
    guard all.count > 1 else { return (all, nil) }
    let (training, validation) = all.split(seed: seed)
    return (training, validation)
  }

  static func report(
    _ path: String, _ all: DataSet, _ validationPath: String?, _ validation: DataSet?
  ) -> ReadingReport {
    let other = validationPath.flatMap { path in validation.map { (path: path, data: $0) } }
    return ReadingReport([(path, all)] + (other.map { [$0] } ?? []))
  }
}
