import Randomness

/// Changes at random that leave an image one of the same kind: mirrored, turned, moved. For training
/// images alone: what a model is measured by must be as it came.
///
/// What becomes of an image is keyed by seed, epoch and its index, so it depends on neither the batch
/// nor what came before.
public struct Augmentation: Codable, Equatable, Sendable {
  /// Half of the images are mirrored, left to right.
  public var flips: Bool
  /// Images are moved by up to so many pixels each way, every step as likely; what comes in repeats
  /// the edge: no level appears that the image has not.
  public var shift: Int
  /// Images are turned by 0 … 3 quarters; square ones only.
  public var rotates: Bool

  public init(flips: Bool = false, shift: Int = 0, rotates: Bool = false) {
    self.flips = flips
    self.shift = shift
    self.rotates = rotates
  }

  /// Whether anything changes.
  public var isNone: Bool { self == Augmentation() }

  /// The images of a batch changed.
  /// - Parameter indices: of the images in their data set.
  public func applied(
    to batch: PixelBatch, indices: [Int], epoch: Int, seed: UInt64
  ) -> PixelBatch {
    precondition(indices.count == batch.count, "\(indices.count) indices of \(batch.count) images")
    precondition(!rotates || batch.height == batch.width, "only squares turn by a quarter")
    var result = batch
    result.symbols.withUnsafeMutableBufferPointer { output in
      batch.symbols.withUnsafeBufferPointer { input in
        for (place, index) in indices.enumerated() {
          let image = place * batch.dimension..<(place + 1) * batch.dimension
          let change = Change(self, index: index, epoch: epoch, seed: seed)
          change.write(
            UnsafeBufferPointer(rebasing: input[image]),
            to: UnsafeMutableBufferPointer(rebasing: output[image]), batch)
        }
      }
    }
    return result
  }

  /// What becomes of one image: turned counter-clockwise, then mirrored, then moved right and down.
  private struct Change {
    let quarters: Int
    let mirrors: Bool
    let right: Int
    let down: Int

    init(_ augmentation: Augmentation, index: Int, epoch: Int, seed: UInt64) {
      var random = RandomStream(seed: seed, "augment", epoch, index)
      let shift = augmentation.shift
      mirrors = augmentation.flips && random.integer(below: 2) == 1
      quarters = augmentation.rotates ? random.integer(below: 4) : 0
      right = shift > 0 ? random.integer(below: 2 * shift + 1) - shift : 0
      down = shift > 0 ? random.integer(below: 2 * shift + 1) - shift : 0
    }

    func write(
      _ input: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>,
      _ batch: PixelBatch
    ) {
      let (height, width, channels) = (batch.height, batch.width, batch.channels)
      for y in 0..<height {
        let row = min(max(y - down, 0), height - 1)
        for x in 0..<width {
          let moved = min(max(x - right, 0), width - 1)
          let column = mirrors ? width - 1 - moved : moved
          let source = turned(row, column, width)
          for channel in 0..<channels {
            output[(y * width + x) * channels + channel] = input[source * channels + channel]
          }
        }
      }
    }

    /// The pixel of the image that stands there in the turned one.
    private func turned(_ row: Int, _ column: Int, _ side: Int) -> Int {
      switch quarters {
      case 1: column * side + side - 1 - row
      case 2: (side - 1 - row) * side + side - 1 - column
      case 3: (side - 1 - column) * side + row
      default: row * side + column
      }
    }
  }
}

extension Augmentation: CustomStringConvertible {
  /// `mirrored, turned, shifted by up to 2`
  public var description: String {
    var words: [String] = []
    if flips { words.append("mirrored") }
    if rotates { words.append("turned") }
    if shift > 0 { words.append("shifted by up to \(shift)") }
    return words.isEmpty ? "as they are" : words.joined(separator: ", ")
  }
}
