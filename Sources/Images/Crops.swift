import Randomness

/// Random parts of images of any sizes, of one size: what a model learns from that knows no place.
///
/// Crop i of an epoch is of image i modulo their number, at a place and turned over as a stream says
/// that seed, epoch and i key: it depends on neither the batch nor what came before.
public struct Crops: Sendable {
  public let images: ScaledImages
  public let width: Int
  public let height: Int
  /// Whether half of them are mirrored, and half turned upside down.
  public let flips: Bool
  /// Crops an epoch.
  public let count: Int

  /// - Parameter count: crops an epoch; every image at least once.
  public init(of images: ScaledImages, width: Int, height: Int, flips: Bool, atLeast count: Int) {
    for (image, name) in zip(images.images, images.names) {
      precondition(
        image.width >= width && image.height >= height,
        "\(name) of \(image.width)x\(image.height) has no crop of \(width)x\(height)")
    }
    self.images = images
    self.width = width
    self.height = height
    self.flips = flips
    self.count = max(count, images.count)
  }

  public var channels: Int { images.images[0].channels }

  /// Crops of an epoch by their indices, 0 ..< count.
  public func dataSet(_ indices: some Collection<Int>, epoch: Int, seed: UInt64) -> DataSet {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(indices.count * height * width * channels)
    for index in indices {
      var random = RandomStream(seed: seed, "crop", epoch, index)
      let image = images.images[index % images.count]
      let left = random.integer(below: image.width - width + 1)
      let top = random.integer(below: image.height - height + 1)
      let turns = flips ? random.integer(below: 4) : 0
      append(image, left: left, top: top, turns, to: &pixels)
    }
    return DataSet(
      height: height, width: width, channels: channels, pixels: pixels,
      names: indices.map { images.names[$0 % images.count] })
  }

  /// - Parameter turns: 1 mirrors, 2 turns upside down.
  private func append(_ image: Image, left: Int, top: Int, _ turns: Int, to pixels: inout [UInt8]) {
    for y in 0..<height {
      let row = top + (turns & 2 == 0 ? y : height - 1 - y)
      let start = (row * image.width + left) * channels
      guard turns & 1 != 0 else {
        pixels += image.pixels[start..<start + width * channels]
        continue
      }
      for x in (0..<width).reversed() {
        pixels += image.pixels[start + x * channels..<start + (x + 1) * channels]
      }
    }
  }

  /// Every image cut into whole crops side by side from its top left, in order: for the likelihood of
  /// all there is.
  public static func grid(of images: ScaledImages, width: Int, height: Int) -> DataSet {
    var pixels: [UInt8] = []
    var names: [String] = []
    let channels = images.images.first?.channels ?? 1
    for (image, name) in zip(images.images, images.names) {
      for top in stride(from: 0, through: image.height - height, by: height) {
        for left in stride(from: 0, through: image.width - width, by: width) {
          for y in 0..<height {
            let start = ((top + y) * image.width + left) * channels
            pixels += image.pixels[start..<start + width * channels]
          }
          names.append("\(name)#\(left),\(top)")
        }
      }
    }
    return DataSet(
      height: height, width: width, channels: channels, pixels: pixels, names: names,
      skipped: images.skipped, flawed: images.flawed, leftOut: images.leftOut)
  }
}
