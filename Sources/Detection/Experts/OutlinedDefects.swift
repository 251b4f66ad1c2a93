import Files
import Foundation

/// Where the defects of images are known to be: a text file an image, `NAME.txt` for `NAME.png`, a line a
/// box: `x1 y1 x2 y2`, pixels of the image, the corners included; what follows on the line is not read.
public struct OutlinedDefects: Sendable {
  /// Of one image, by its columns and rows.
  public struct Box: Equatable, Sendable {
    public var x: ClosedRange<Int>
    public var y: ClosedRange<Int>

    public init(x: ClosedRange<Int>, y: ClosedRange<Int>) {
      self.x = x
      self.y = y
    }
  }

  private let folder: String

  public init(folder: String) { self.folder = folder }

  /// The boxes of an image by its name; nil where there is no file of them.
  /// - Throws: `FileError` for a line that is no box.
  public func boxes(of name: String) throws -> [Box]? {
    let file = URL(fileURLWithPath: name).deletingPathExtension().lastPathComponent
    let path = "\(folder)/\(file).txt"
    guard access(path, F_OK) == 0 else { return nil }
    let text = String(decoding: try OpenFile.contents(of: path), as: UTF8.self)
    return try text.split(whereSeparator: \.isNewline).enumerated().map { index, line in
      let numbers = line.split(whereSeparator: \.isWhitespace).prefix(4).map { Int($0) }
      guard numbers.count == 4, let x1 = numbers[0], let y1 = numbers[1], let x2 = numbers[2],
        let y2 = numbers[3], x1 <= x2, y1 <= y2
      else {
        throw FileError(
          path, "line \(index + 1)", expected: "x1 y1 x2 y2", found: String(line.prefix(40)))
      }
      return Box(x: x1...x2, y: y1...y2)
    }
  }
}

/// How well maps point at outlined defects, over many images, whatever their number and sizes.
public struct MapAccuracy: Sendable {
  /// Pixels by their value, in equal steps of its logarithm: those in a box, and the others.
  private var inside = [Int](repeating: 0, count: bins)
  private var outside = [Int](repeating: 0, count: bins)
  /// Images with outlines, and those of them whose highest place lies in a box; the same of the flagged.
  public private(set) var images = 0
  public private(set) var hits = 0
  public private(set) var flagged = 0
  public private(set) var flaggedHits = 0

  private static let bins = 1 << 14

  public init() {}

  public mutating func add(
    _ map: PixelMap, peak: (x: Int, y: Int), flagged isFlagged: Bool,
    boxes: [OutlinedDefects.Box]
  ) {
    var marked = [Bool](repeating: false, count: map.values.count)
    for box in boxes {
      for y in box.y.clamped(to: 0...map.height - 1) where box.y.contains(y) {
        for x in box.x.clamped(to: 0...map.width - 1) where box.x.contains(x) {
          marked[y * map.width + x] = true
        }
      }
    }
    for (value, isInside) in zip(map.values, marked) {
      // 2⁻²⁰ … 2¹² bits.
      let share = (log2(max(value, 1e-7)) + 20) / 32
      let bin = min(Self.bins - 1, max(0, Int(share * Float(Self.bins))))
      if isInside { inside[bin] += 1 } else { outside[bin] += 1 }
    }
    let isHit = boxes.contains { $0.x.contains(peak.x) && $0.y.contains(peak.y) }
    images += 1
    hits += isHit ? 1 : 0
    flagged += isFlagged ? 1 : 0
    flaggedHits += isFlagged && isHit ? 1 : 0
  }

  /// The chance that a pixel of a box has a larger value than one of none; nil where there are not both.
  public var pixelAUROC: Double? {
    let (all, others) = (inside.reduce(0, +), outside.reduce(0, +))
    guard all > 0, others > 0 else { return nil }
    var (below, sum) = (0.0, 0.0)
    for (marked, unmarked) in zip(inside, outside) {
      sum += Double(marked) * (below + Double(unmarked) / 2)
      below += Double(unmarked)
    }
    return sum / Double(all) / Double(others)
  }
}
