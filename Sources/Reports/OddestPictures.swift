import Detection
import Images

/// The pictures that a page shows of the oddest of many images, in bounded memory: larger ones of the
/// first `large`, small ones of as many others as fit.
///
/// ```swift
/// var pictures = OddestPictures()
/// for (index, row) in rows.enumerated() {
///   pictures.add(row, at: index) { (image, heat, nil) }
/// }
/// report.pictures = pictures.oddestFirst
/// ```
public struct OddestPictures: Sendable {
  /// One image as it was looked at.
  public struct Picture: Sendable {
    /// The place of its row in the table.
    public var row: Int
    public var image: Image
    /// Its map at the size of `image`, where there is one.
    public var heat: HeatMap?
    /// The way from the page to the image's own file; nil where it has none.
    public var original: String?

    public init(row: Int, image: Image, heat: HeatMap?, original: String? = nil) {
      if let heat {
        precondition(
          image.width == heat.width && image.height == heat.height,
          "a map of \(image.width)x\(image.height) expected, found \(heat.width)x\(heat.height)")
      }
      self.row = row
      self.image = image
      self.heat = heat
      self.original = original
    }

    /// Brought down to so many pixels a side where it is larger.
    func within(_ side: Int) -> Picture {
      Picture(
        row: row, image: image.within(side), heat: heat?.within(side), original: original)
    }

    /// Its sides when it is.
    func sides(within side: Int) -> (width: Int, height: Int) {
      fitting(image.width, image.height, side)
    }

    fileprivate var bytes: Int { image.pixels.count + (heat?.steps.count ?? 0) }
    fileprivate var isLarge: Bool { max(image.width, image.height) > OddestPictures.smallSide }
  }

  /// Small pictures have at most so many pixels a side, large ones so many.
  public static let smallSide = 64
  public static let largeSide = 320
  /// The most large pictures, all pictures, and bytes of the small ones.
  public static let large = 200
  public static let limit = 10_000
  static let bytes = 48 << 20

  private var kept: [(place: Place, picture: Picture)] = []
  private var largeCount = 0
  private var smallBytes = 0
  /// What is no odder than these is not kept, or kept small.
  private var last: Place?
  private var lastLarge: Place?

  public init() {}

  /// Adds an image, whose picture is asked for only where it is kept.
  /// - Parameter index: the place of its row in the table.
  public mutating func add(
    _ row: ScoreRow, at index: Int, oddness: Double? = nil,
    _ make: () throws -> (image: Image, heat: HeatMap?, original: String?)
  ) rethrows {
    let place = Place(
      pValue: row.verdict?.pValue ?? 0, oddness: oddness ?? row.verdict?.oddness ?? row.nats,
      nats: row.nats, index: index)
    if let last, !(place < last) { return }
    let made = try make()
    let picture = Picture(row: index, image: made.image, heat: made.heat, original: made.original)
    let isSmall = lastLarge.map { !(place < $0) } ?? false
    let fitted = picture.within(isSmall ? Self.smallSide : Self.largeSide)
    kept.append((place, fitted))
    largeCount += fitted.isLarge ? 1 : 0
    smallBytes += fitted.isLarge ? 0 : fitted.bytes
    if largeCount > Self.large * 5 / 4 || kept.count > Self.limit * 5 / 4
      || smallBytes > Self.bytes * 5 / 4
    {
      settle()
    }
  }

  /// Sorts, and lets go of what others have pushed out.
  private mutating func settle() {
    kept.sort { $0.place < $1.place }
    if kept.count > Self.large { lastLarge = kept[Self.large].place }
    var bytes = 0
    var fitting = 0
    for index in kept.indices.prefix(Self.limit) {
      if index >= Self.large, kept[index].picture.isLarge {
        kept[index].picture = kept[index].picture.within(Self.smallSide)
      }
      if !kept[index].picture.isLarge { bytes += kept[index].picture.bytes }
      guard bytes <= Self.bytes else { break }
      fitting += 1
    }
    if fitting < kept.count {
      kept.removeSubrange(fitting...)
      last = kept.last?.place
    }
    largeCount = kept.count { $0.picture.isLarge }
    smallBytes = kept.reduce(0) { $0 + ($1.picture.isLarge ? 0 : $1.picture.bytes) }
  }

  /// All that are kept, in the order of `ScoreTable.oddestOrder`.
  public var oddestFirst: [Picture] {
    var settled = self
    settled.settle()
    return settled.kept.map(\.picture)
  }

  /// Where an image stands among others: the less, the odder.
  private struct Place: Comparable {
    let pValue, oddness, nats: Double
    let index: Int

    static func < (a: Place, b: Place) -> Bool {
      func key(_ value: Double) -> Double { value.isNaN ? .infinity : -value }
      return (a.pValue, key(a.oddness), key(a.nats), a.index)
        < (b.pValue, key(b.oddness), key(b.nats), b.index)
    }
  }
}

extension HeatMap {
  /// The map, brought down to so many pixels a side where it is larger: a pixel takes the most of those
  /// that it stands for, so that nothing glaring is lost.
  func within(_ side: Int) -> HeatMap {
    let (w, h) = fitting(width, height, side)
    guard w < width || h < height else { return self }
    var steps: [UInt8] = []
    steps.reserveCapacity(w * h)
    for y in 0..<h {
      let rows = y * height / h..<max((y + 1) * height / h, y * height / h + 1)
      for x in 0..<w {
        let columns = x * width / w..<max((x + 1) * width / w, x * width / w + 1)
        var most: UInt8 = 0
        for row in rows {
          for column in columns { most = max(most, self.steps[row * width + column]) }
        }
        steps.append(most)
      }
    }
    return HeatMap(height: h, width: w, steps: steps)
  }
}

extension Image {
  /// The image, brought down to so many pixels a side where it is larger.
  func within(_ side: Int) -> Image {
    let (w, h) = fitting(width, height, side)
    return w < width || h < height ? resized(height: h, width: w) : self
  }
}

/// Sides brought down to at most so many pixels.
private func fitting(_ width: Int, _ height: Int, _ side: Int) -> (width: Int, height: Int) {
  let longest = max(width, height)
  guard longest > side else { return (width, height) }
  return (max(1, width * side / longest), max(1, height * side / longest))
}
