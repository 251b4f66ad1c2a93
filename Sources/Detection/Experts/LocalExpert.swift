import Images
import Models
import Tensors
import Training

/// What a model of reach r says of an image of any size: bits a pixel, `[H, W]`, averaged over the scan
/// from the top left and the one from the bottom right, so that the far side of an edge counts as the
/// near one.
public struct LocalMaps: Sendable {
  /// s, −log₂ p of what was found.
  public let surprise: PixelMap
  /// H, the mean of that under the model.
  public let entropy: PixelMap

  package init(surprise: PixelMap, entropy: PixelMap) {
    self.surprise = surprise
    self.entropy = entropy
  }

  /// Bits of the whole image, a mean over the two scans.
  public var bits: Double { surprise.values.reduce(0.0) { $0 + Double($1) } }
}

/// A trained model that sees no further than its reach, over whole images in tiles.
///
/// A tile is computed with a rim as wide as the reach and gives bit for bit what one pass over the image
/// would; memory grows with the tile, and beside that with a few numbers a pixel of the image.
public struct LocalExpert {
  public let model: LocalPixelCNN
  private let pixels: PixelEncoding
  private let context: Context
  /// Pixels above and to either side that a conditional depends on.
  public var reach: Int { model.reach }
  /// Channels of the images that it sees.
  public var channels: Int { model.image.channels }
  /// Pixels of a tile's side.
  private let tile: Int

  public init(
    _ model: LocalPixelCNN, _ pixels: PixelEncoding, in context: Context, tile: Int = 256
  ) {
    self.model = model
    self.pixels = pixels
    self.context = context
    self.tile = tile
  }

  /// - Throws: `DetectionError` for a run of another kind.
  public init(_ trained: TrainedModel) throws(DetectionError) {
    guard let model = trained.model as? LocalPixelCNN else {
      throw .missing("model of a reach (local-pixelcnn) in the run")
    }
    self.init(model, trained.configuration.pixels, in: trained.context)
  }

  /// - Parameter image: at the scale that the run works at, with its channels.
  public func maps(of image: Image) -> LocalMaps {
    let there = pass(over: image)
    var turned = image
    turned.pixels = Self.turned(image.pixels, channels: image.channels)
    let back = pass(over: turned)
    func mean(_ a: [Float], _ b: [Float]) -> PixelMap {
      let last = b.count - 1
      return PixelMap(
        height: image.height, width: image.width,
        values: a.indices.map { (a[$0] + b[last - $0]) / 2 })
    }
    return LocalMaps(
      surprise: mean(there.surprise, back.surprise), entropy: mean(there.entropy, back.entropy))
  }

  /// Turned by 180°: pixels in reverse, the channels of each in order.
  private static func turned(_ pixels: [UInt8], channels: Int) -> [UInt8] {
    guard channels > 1 else { return pixels.reversed() }
    return stride(from: pixels.count - channels, through: 0, by: -channels).flatMap {
      pixels[$0..<$0 + channels]
    }
  }

  /// Surprise and entropy, bits a pixel, of one scan.
  func pass(over image: Image) -> (surprise: [Float], entropy: [Float]) {
    let size = image.width * image.height
    var surprise = [Float](repeating: 0, count: size)
    var entropy = surprise
    for top in stride(from: 0, to: image.height, by: tile) {
      for left in stride(from: 0, to: image.width, by: tile) {
        let rows = top..<min(top + tile, image.height)
        let columns = left..<min(left + tile, image.width)
        let measured = measure(
          image, rows: max(0, rows.lowerBound - reach)..<rows.upperBound,
          columns: max(
            0, columns.lowerBound - reach)..<min(image.width, columns.upperBound + reach),
          keeping: rows, columns)
        for (y, row) in rows.enumerated() {
          let (to, from) = (row * image.width + left, y * columns.count)
          for x in 0..<columns.count {
            surprise[to + x] = measured.surprise[from + x]
            entropy[to + x] = measured.entropy[from + x]
          }
        }
      }
    }
    return (surprise, entropy)
  }

  /// Of a part of the image, what is said of the pixels to be kept.
  private func measure(
    _ image: Image, rows: Range<Int>, columns: Range<Int>, keeping keptRows: Range<Int>,
    _ keptColumns: Range<Int>
  ) -> (surprise: [Float], entropy: [Float]) {
    let channels = image.channels
    var pixels: [UInt8] = []
    pixels.reserveCapacity(rows.count * columns.count * channels)
    for row in rows {
      let start = (row * image.width + columns.lowerBound) * channels
      pixels += image.pixels[start..<start + columns.count * channels]
    }
    let batch = self.pixels.batch(
      of: DataSet(
        height: rows.count, width: columns.count, channels: channels, pixels: pixels,
        names: [""]), indices: 0..<1, seed: 0)
    let measures = model.conditionals(batch, in: context).measures(
      of: batch, .moments, in: context)
    func kept(_ measure: [Float]) -> [Float] {
      keptRows.flatMap { row in
        keptColumns.map { column in
          let pixel =
            (row - rows.lowerBound) * columns.count + column - columns.lowerBound
          return (0..<channels).reduce(0) { $0 + measure[pixel * channels + $1] }
        }
      }
    }
    return (kept(measures.surprise), kept(measures.entropy))
  }
}
