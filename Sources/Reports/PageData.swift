import Detection
import Foundation
import Images

/// What the page's script works on, as inert elements: the rows of the oddest images, how many images of
/// the folder have each p-value, and pictures in sheets, so that a browser decodes the ones that it shows
/// and no others.
struct PageData {
  /// The most rows of images.
  static let limit = 10_000
  /// Bytes of the page that pictures may take, small ones and all.
  private static let smallBytes = 9_500_000
  private static let pictureBytes = 13_000_000
  /// Pictures a sheet, as many as the page shows at a time.
  private static let sheet = 60

  let html: String
  /// How many images have rows, pictures, and larger pictures.
  let listed: Int
  let pictured: Int
  let enlarged: Int

  /// - Parameter threshold: what is flagged at first has a p-value of at most this.
  init(_ report: FlagReport, threshold: Double) {
    let order = report.table.oddestOrder.prefix(Self.limit)
    let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    let pictures = report.pictures.filter { places[$0.row] != nil }
      .sorted { places[$0.row]! < places[$1.row]! }
    let (small, tiles) = Self.sheets(of: pictures)
    let (large, largeTiles) = Self.largePictures(
      pictures, budget: Self.pictureBytes - small.utf8.count)
    listed = order.count
    pictured = tiles.count
    enlarged = largeTiles.count

    let links = Dictionary(pictures.map { ($0.row, $0.original) }) { first, _ in first }
    // All pictures of a run without outlines are of one size.
    let boxes = report.scale.outline == nil ? report.regions : nil
    let rows = order.map { index in
      var fields = [
        Self.row(report.table.rows[index], report.table.scoreNames),
        links[index]?.map(scriptString) ?? "0", tiles[index] ?? "0", largeTiles[index] ?? "0",
      ]
      if let boxes = boxes?[index], !boxes.isEmpty, tiles[index] != nil {
        let sides = boxes.map { "[\($0.x),\($0.y),\($0.width),\($0.height)]" }
        fields.append("[" + sides.joined(separator: ",") + "]")
      }
      return "[\(fields.joined(separator: ","))]"
    }
    let fields = [
      "\"images\":\(report.table.rows.count)", "\"threshold\":\(threshold)",
      "\"counts\":[\(Self.counts(report.table).joined(separator: ","))]",
      "\"scores\":[\(report.table.scoreNames.map(scriptString).joined(separator: ","))]",
      "\"outline\":\(report.scale.outline.map { String($0 / 8 * 8) } ?? "null")",
      "\"width\":\(pictures.first?.image.width ?? 0)",
      "\"colours\":\"\(Self.colours)\"", "\"page\":\(Self.sheet)",
      "\"rows\":[\n\(rows.joined(separator: ",\n"))\n]",
    ]
    html = """
      <script type="application/json" id="data">{\(fields.joined(separator: ","))}</script>
      \(small)\(large)
      """
  }

  /// `path,[p-value,nats,bits per dimension,scores…],[[score,±share in percent]…]`
  private static func row(_ row: ScoreRow, _ names: [String]) -> String {
    let numbers =
      [row.verdict?.pValue.description ?? "null"]
      + ([row.nats, row.bitsPerDimension] + row.scores).map(scriptNumber)
    let parts = (row.verdict?.parts ?? []).map { part in
      "[\(scriptString(part.score)),\(Int((part.isHigh ? 100 : -100) * part.share))]"
    }
    return
      "\(scriptString(row.path)),[\(numbers.joined(separator: ","))],[\(parts.joined(separator: ","))]"
  }

  /// Each p-value of the folder and how many images have it, the least first.
  private static func counts(_ table: ScoreTable) -> [String] {
    var counts: [Double: Int] = [:]
    for row in table.rows { row.verdict.map { counts[$0.pValue, default: 0] += 1 } }
    return counts.sorted { $0.key < $1.key }.map { "[\($0.key),\($0.value)]" }
  }

  /// Six hexadecimal digits a colour of the map.
  private static let colours = ColourMap.table.map {
    String(format: "%02x%02x%02x", $0.red, $0.green, $0.blue)
  }.joined()

  /// Small pictures, one below the other in sheets, and of each row `[sheet,top,width,height]`.
  private static func sheets(
    of pictures: [OddestPictures.Picture]
  ) -> (elements: String, tiles: [Int: String]) {
    @Sendable func shown(_ number: Int) -> ArraySlice<OddestPictures.Picture> {
      pictures[number * sheet..<min((number + 1) * sheet, pictures.count)]
    }
    let made = elements((pictures.count + sheet - 1) / sheet, within: smallBytes) { number in
      let some = shown(number).map { $0.within(OddestPictures.smallSide) }
      let images = element("image-\(number)", strip(of: some.map(\.image)))
      guard some.contains(where: { $0.heat != nil }) else { return images }
      let maps = some.map { picture in
        picture.heat?.grey(levels: 32)
          ?? Image(
            height: picture.image.height, width: picture.image.width, channels: 1,
            pixels: [UInt8](repeating: 0, count: picture.image.height * picture.image.width))
      }
      return images + element("map-\(number)", strip(of: maps))
    }
    var tiles: [Int: String] = [:]
    for number in made.indices {
      var top = 0
      for picture in shown(number) {
        let (width, height) = picture.sides(within: OddestPictures.smallSide)
        tiles[picture.row] = "[\(number),\(top),\(width),\(height)]"
        top += height
      }
    }
    return (made.joined(), tiles)
  }

  /// Pictures that are larger than the small ones, while there is room, and of each row
  /// `[number,width,height]`.
  private static func largePictures(
    _ pictures: [OddestPictures.Picture], budget: Int
  ) -> (elements: String, tiles: [Int: String]) {
    let large = pictures.prefix(OddestPictures.large).filter {
      max($0.image.width, $0.image.height) > OddestPictures.smallSide
    }
    let made = elements(large.count, within: budget) { number in
      let picture = large[number]
      return element("large-image-\(number)", picture.image)
        + (picture.heat.map { element("large-map-\(number)", $0.grey(levels: 64)) } ?? "")
    }
    let tiles = made.indices.map { number in
      let (row, image) = (large[number].row, large[number].image)
      return (row, "[\(number),\(image.width),\(image.height)]")
    }
    return (made.joined(), Dictionary(uniqueKeysWithValues: tiles))
  }

  /// The first of `count` elements, made on all cores, until they take so many bytes.
  private static func elements(
    _ count: Int, within budget: Int, _ make: @Sendable (Int) -> String
  ) -> [String] {
    var (elements, bytes): ([String], Int) = ([], 0)
    let some = 16
    while elements.count < count, bytes < budget {
      let first = elements.count
      for element in mapInParallel(min(some, count - first), { make(first + $0) })
      where bytes < budget {
        elements.append(element)
        bytes += element.utf8.count
      }
    }
    return elements
  }

  private static func element(_ name: String, _ image: Image) -> String {
    let text = Data(image.encodedPNG(.quick)).base64EncodedString()
    return "<script type=\"text/plain\" id=\"\(name)\">\(text)</script>\n"
  }

  /// Images of any sizes one below the other, at the left.
  private static func strip(of images: [Image]) -> Image {
    let width = images.map(\.width).max()!
    let channels = images.map(\.channels).max()!
    var pixels: [UInt8] = []
    pixels.reserveCapacity(images.reduce(0) { $0 + $1.height } * width * channels)
    for image in images.map({ $0.converted(toChannels: channels) }) {
      let row = image.width * channels
      for y in 0..<image.height {
        pixels += image.pixels[y * row..<(y + 1) * row]
        pixels += repeatElement(0, count: width * channels - row)
      }
    }
    return Image(
      height: pixels.count / (width * channels), width: width, channels: channels, pixels: pixels)
  }
}

extension HeatMap {
  /// The steps as grey, rounded down to so many levels, which a file takes little room for.
  fileprivate func grey(levels: Int) -> Image {
    let step = UInt8(256 / levels)
    return Image(height: height, width: width, channels: 1, pixels: steps.map { $0 / step * step })
  }
}

/// A number in a script's data: six digits; JSON reads 1e999 as infinite.
private func scriptNumber(_ number: Double) -> String {
  if number.isNaN { return "null" }
  if number.isInfinite { return number < 0 ? "-1e999" : "1e999" }
  // A page holds a quarter of a million of them; Foundation's formatting takes twice as long.
  return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { text in
    _ = withVaList([number]) { vsnprintf(text.baseAddress!, 32, "%.6g", $0) }
    return String(cString: text.baseAddress!)
  }
}
