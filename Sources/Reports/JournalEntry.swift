import Detection
import Images

/// What a journal says of one image or file.
enum JournalEntry {
  /// An image of the source.
  case image(InspectedImage)
  /// One that could not be read.
  case unreadable(FileRemark)
  /// A file that is none of the source's images, and what is wrong with the file of all.
  case passedOver(FileRemark)
  case flawed(FileRemark)

  /// One of the source's images, in whose order entries are.
  var isOfSource: Bool {
    switch self {
    case .image, .unreadable: true
    case .passedOver, .flawed: false
    }
  }
}

/// What is kept of an image.
struct InspectedImage {
  var row: ScoreRow
  var flaw: String?
  var regions: [Region]?
  /// Where one may be shown.
  var picture: StoredPicture?
  /// Its heat map's file below the folder of these, where it was written as the image was inspected.
  var heatMap: String?
  /// Why it could not be.
  var trouble: String?
}

extension JournalEntry {
  /// - Parameter columns: all columns of a row but its path.
  func packed(_ columns: [String]) -> [UInt8] {
    var packing = Packing()
    switch self {
    case .image(let image):
      packing.add(true)
      packing.add(image, columns)
    case .unreadable(let remark): packing.add(1, remark)
    case .passedOver(let remark): packing.add(2, remark)
    case .flawed(let remark): packing.add(3, remark)
    }
    return packing.bytes
  }

  init(_ bytes: UnsafeRawBufferPointer, _ columns: [String], path: String) throws {
    var unpacking = Unpacking(bytes, path: path)
    if try unpacking.truth() {
      self = .image(try unpacking.image(columns))
      return
    }
    let kind = try unpacking.int()
    let remark = FileRemark(path: try unpacking.text(), reason: try unpacking.text())
    self = kind == 1 ? .unreadable(remark) : kind == 2 ? .passedOver(remark) : .flawed(remark)
  }
}

extension Packing {
  fileprivate mutating func add(_ kind: Int, _ remark: FileRemark) {
    add(false)
    add(kind)
    add(remark.path)
    add(remark.reason)
  }

  fileprivate mutating func add(_ image: InspectedImage, _ columns: [String]) {
    add(image.row.path)
    add(image.row.nats)
    add(image.row.bitsPerDimension)
    add(each: image.row.scores) { $0.add($1) }
    add(image.row.verdict) { packing, verdict in
      packing.add(verdict.pValue)
      packing.add(verdict.flagged)
      packing.add(verdict.oddness) { $0.add($1) }
      packing.add(each: verdict.parts) { packing, part in
        packing.add(columns.firstIndex(of: part.score)!)
        packing.add(part.share)
        packing.add(part.isHigh)
      }
    }
    add(image.flaw) { $0.add($1) }
    add(image.regions) { packing, regions in
      packing.add(each: regions) { packing, region in
        for number in [region.x, region.y, region.width, region.height, region.area] {
          packing.add(number)
        }
        packing.add(region.peak)
        packing.add(region.peakX)
        packing.add(region.peakY)
        packing.add(region.pValue) { $0.add($1) }
      }
    }
    add(image.picture) { packing, picture in
      packing.add(picture.image)
      packing.add(picture.heat)
    }
    add(image.heatMap) { $0.add($1) }
    add(image.trouble) { $0.add($1) }
  }
}

extension Unpacking {
  fileprivate mutating func image(_ columns: [String]) throws -> InspectedImage {
    let row = ScoreRow(
      path: try text(), nats: try double(), bitsPerDimension: try double(),
      scores: try each { try $0.double() }, verdict: try optional { try $0.verdict(columns) })
    return InspectedImage(
      row: row, flaw: try optional { try $0.text() },
      regions: try optional { try $0.each { try $0.region() } },
      picture: try optional { StoredPicture(image: try $0.array(), heat: try $0.array()) },
      heatMap: try optional { try $0.text() }, trouble: try optional { try $0.text() })
  }

  private mutating func verdict(_ columns: [String]) throws -> ScoreRow.Verdict {
    ScoreRow.Verdict(
      pValue: try double(), flagged: try truth(), oddness: try optional { try $0.double() },
      parts: try each { unpacking in
        let column = try unpacking.int()
        return ScoreRow.Part(
          score: columns.indices.contains(column) ? columns[column] : "?",
          share: try unpacking.double(), isHigh: try unpacking.truth())
      })
  }

  private mutating func region() throws -> Region {
    Region(
      x: try int(), y: try int(), width: try int(), height: try int(), area: try int(),
      peak: try double(), peakX: try int(), peakY: try int(),
      pValue: try optional { try $0.double() })
  }
}
