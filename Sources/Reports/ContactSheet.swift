import Images

/// Many images at a glance: a grid in the given order, with a caption under each, and a frame round
/// the flagged.
///
/// ```swift
/// let sheet = ContactSheet(tiles: table.oddestFirst.rows.map { row in
///   .init(image: images[row.path]!, caption: "p 0.001", flagged: true)
/// })
/// try sheet.image.writePNG(to: "sheet.png")
/// ```
public struct ContactSheet: Sendable {
  public struct Tile: Sendable {
    public var image: Image
    /// A few characters; what does not fit under the tile is cut off.
    public var caption: String
    public var flagged: Bool

    public init(image: Image, caption: String = "", flagged: Bool = false) {
      self.image = image
      self.caption = caption
      self.flagged = flagged
    }
  }

  /// The most tiles a sheet shows; a last line then says how many are left out.
  public static let limit = 400

  /// The sheet, RGB. Images are enlarged by a whole factor or brought down to tiles of at most 112
  /// pixels.
  public let image: Image

  /// Lays out the first `limit` of `tiles`, at least one; `total` counts those that were never made
  /// into tiles as well.
  public init(tiles: [Tile], total: Int? = nil) {
    precondition(!tiles.isEmpty, "a contact sheet needs at least one tile")
    let total = total ?? tiles.count
    let shown = tiles.prefix(Self.limit).map { tile in
      var tile = tile
      tile.image = tile.image.fitted()
      return tile
    }
    let factor = tileFactor(shown.map(\.image))
    let tileWidth = shown.map(\.image.width).max()! * factor
    let tileHeight = shown.map(\.image.height).max()! * factor
    let captioned = shown.contains { !$0.caption.isEmpty }
    let size = max(1, tileWidth / (9 * BitmapFont.pitch))  // Nine characters fit.
    let captionHeight = captioned ? BitmapFont.height * size + 8 : 0
    let columns = min(shown.count, gridColumns(shown.count))
    let rows = (shown.count + columns - 1) / columns
    let margin = 12
    let gap = 10
    let footer = total > shown.count ? 2 * BitmapFont.height + margin : 0

    let width = 2 * margin + columns * (tileWidth + gap) - gap
    let height = 2 * margin + rows * (tileHeight + captionHeight + gap) - gap
    var canvas = Canvas(width: width, height: height + footer, fill: .background)
    for (index, tile) in shown.enumerated() {
      let x = margin + index % columns * (tileWidth + gap)
      let y = margin + index / columns * (tileHeight + captionHeight + gap)
      if tile.flagged {
        canvas.fill(x: x - 3, y: y - 3, width: tileWidth + 6, height: tileHeight + 6, .flag)
        canvas.fill(x: x, y: y, width: tileWidth, height: tileHeight, .background)
      }
      canvas.draw(
        tile.image, x: x + (tileWidth - tile.image.width * factor) / 2,
        y: y + (tileHeight - tile.image.height * factor) / 2, factor: factor)
      canvas.write(
        String(tile.caption.prefix(tileWidth / (BitmapFont.pitch * size))), x: x,
        y: y + tileHeight + 5, size: size, tile.flagged ? .flag : .text)
    }
    if footer > 0 {
      canvas.write(
        "+ \(total - shown.count) more", x: margin, y: height, size: 2, .text)
    }
    image = canvas.image
  }
}

/// Images in a plain grid with thin gaps, row by row: for samples. All are shown, enlarged by a whole
/// factor where they are small.
public func grid(of images: [Image], columns: Int? = nil) -> Image {
  precondition(!images.isEmpty, "a grid needs at least one image")
  precondition(columns.map { $0 > 0 } ?? true, "a grid needs at least one column")
  let factor = tileFactor(images)
  let tileWidth = images.map(\.width).max()! * factor
  let tileHeight = images.map(\.height).max()! * factor
  let columns = min(images.count, columns ?? gridColumns(images.count))
  let rows = (images.count + columns - 1) / columns
  let gap = 2
  var canvas = Canvas(
    width: columns * (tileWidth + gap) + gap, height: rows * (tileHeight + gap) + gap,
    fill: .background)
  for (index, image) in images.enumerated() {
    canvas.draw(
      image, x: gap + index % columns * (tileWidth + gap),
      y: gap + index / columns * (tileHeight + gap), factor: factor)
  }
  return canvas.image
}

/// Columns for a sheet about one and a half times as wide as high.
private func gridColumns(_ count: Int) -> Int {
  var columns = 1
  while 2 * columns * columns < 3 * count { columns += 1 }
  return columns
}

/// The largest whole factor that keeps the longest side within 112 pixels, at least 1.
private func tileFactor(_ images: [Image]) -> Int {
  max(1, 112 / images.map { max($0.width, $0.height) }.max()!)
}

extension Image {
  /// The image brought down to at most 112 pixels on its longer side.
  fileprivate func fitted() -> Image {
    let longer = max(width, height)
    guard longer > 112 else { return self }
    return resized(height: max(1, height * 112 / longer), width: max(1, width * 112 / longer))
  }
}
