/// How surprising held-out normal images are at each place, in bits a pixel: what a heat map is
/// relative to, so that it shows what is odd and not what is hard to predict in every image.
///
/// Places are the cells of a grid over the image, a pixel each where the image is small enough.
public struct NormalSurprise: Codable, Equatable, Sendable {
  /// The grid has at most so many columns and rows.
  public static let limit = 64

  public let columns: Int
  public let rows: Int
  /// Mean surprise of a pixel in each cell, bits, row by row.
  public let mean: [Float]
  /// Its standard deviation, bits; nowhere so small that an ordinary pixel could stand out.
  public let deviation: [Float]

  init(columns: Int, rows: Int, mean: [Float], deviation: [Float]) {
    self.columns = columns
    self.rows = rows
    self.mean = mean
    self.deviation = deviation
  }

  /// For each pixel of a map, how many standard deviations it surprises more than normal ones do at
  /// its place.
  public func excess(of map: SurpriseMap) -> [Float] {
    let xs = (0..<map.width).map { $0 * columns / map.width }
    var excess: [Float] = []
    excess.reserveCapacity(map.bits.count)
    for y in 0..<map.height {
      let row = y * rows / map.height * columns
      for x in 0..<map.width {
        let cell = row + xs[x]
        excess.append((map.bits[y * map.width + x] - mean[cell]) / deviation[cell])
      }
    }
    return excess
  }

  /// The share of the variance of surprise that its place explains, 0 … 1.
  var placeShare: Double {
    let centre = mean.reduce(0.0) { $0 + Double($1) } / Double(mean.count)
    let between = mean.reduce(0.0) { $0 + (Double($1) - centre) * (Double($1) - centre) }
    let within = deviation.reduce(0.0) { $0 + Double($1) * Double($1) }
    return between / (between + within)
  }

  /// Whether normal images show the same in the same places: .24 of the variance is by place in digits and
  /// in clothes, .02 in photographs.
  var isAligned: Bool { placeShare > 0.1 }

  /// Decodes and checks: a value a cell, finite, deviations positive.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    columns = try fields.decode(Int.self, forKey: .columns)
    rows = try fields.decode(Int.self, forKey: .rows)
    mean = try fields.decode([Float].self, forKey: .mean)
    deviation = try fields.decode([Float].self, forKey: .deviation)
    let sides = 1...Self.limit
    guard sides.contains(columns), sides.contains(rows), mean.count == columns * rows,
      deviation.count == mean.count, mean.allSatisfy(\.isFinite),
      deviation.allSatisfy({ $0.isFinite && $0 > 0 })
    else {
      throw DecodingError.dataCorruptedError(
        forKey: .mean, in: fields,
        debugDescription: "expected a finite mean and a positive deviation a cell of at most"
          + " \(Self.limit)x\(Self.limit)")
    }
  }

  /// The running sums from which it is learned.
  struct Sums {
    private let width, height, columns, rows: Int
    private var counts: [Double]
    private var sums: [Double]
    private var squares: [Double]

    init(height: Int, width: Int) {
      self.width = width
      self.height = height
      columns = min(width, NormalSurprise.limit)
      rows = min(height, NormalSurprise.limit)
      counts = [Double](repeating: 0, count: columns * rows)
      sums = counts
      squares = counts
    }

    /// Pixels that the model holds impossible tell nothing of the others and are left out.
    mutating func add(_ map: SurpriseMap) {
      for y in 0..<height {
        let row = y * rows / height * columns
        for x in 0..<width {
          let bits = Double(map.bits[y * width + x])
          guard bits.isFinite else { continue }
          let cell = row + x * columns / width
          counts[cell] += 1
          sums[cell] += bits
          squares[cell] += bits * bits
        }
      }
    }

    /// Variances lean towards that of all places as if eight more pixels had had it: few images tell
    /// little of one place.
    var normal: NormalSurprise {
      let means = counts.indices.map { sums[$0] / max(1, counts[$0]) }
      let variances = counts.indices.map {
        max(0, squares[$0] / max(1, counts[$0]) - means[$0] * means[$0])
      }
      let pooled = variances.reduce(0, +) / Double(variances.count)
      let least = max(0.05, pooled.squareRoot() / 4)
      let deviations = counts.indices.map { cell in
        let variance = (counts[cell] * variances[cell] + 8 * pooled) / (counts[cell] + 8)
        return max(least, variance.squareRoot())
      }
      // Millibits: a file of thousands of them stays short.
      func rounded(_ bits: Double) -> Float { Float((bits * 1000).rounded() / 1000) }
      return NormalSurprise(
        columns: columns, rows: rows, mean: means.map(rounded), deviation: deviations.map(rounded))
    }
  }
}
