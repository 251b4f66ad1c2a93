import Images

/// A line on the page: where the pen went, and half the line's width there, in pixels.
struct Trace {
  var points: [Point]
  var radii: [Double]

  func moved(by offset: Point) -> Trace {
    Trace(points: points.map { $0 + offset }, radii: radii)
  }
}

/// A square of paper with ink on it, 0 (none) … 1 (full) a pixel.
struct Page {
  static let side = 28
  static let centre = Point(14, 14)

  private var ink = [Double](repeating: 0, count: side * side)

  /// The traces moved so that their centre of mass is the middle of the page, as in MNIST.
  static func centred(_ traces: [Trace]) -> [Trace] {
    let offset = centre - Page(traces).centreOfMass
    return traces.map { $0.moved(by: offset) }
  }

  init(_ traces: [Trace]) {
    for trace in traces { draw(trace) }
  }

  /// Inks every pixel by how far it lies inside the line; the edge is one pixel soft.
  mutating func draw(_ trace: Trace) {
    for i in trace.points.indices.dropFirst() {
      drawSegment(
        from: trace.points[i - 1], to: trace.points[i], radii: (trace.radii[i - 1], trace.radii[i]))
    }
  }

  private mutating func drawSegment(from a: Point, to b: Point, radii: (Double, Double)) {
    let reach = max(radii.0, radii.1) + 0.5
    let along = b - a
    let squared = max((along * along).sum(), 1e-12)
    for row in Self.pixels(min(a.y, b.y) - reach, max(a.y, b.y) + reach) {
      for column in Self.pixels(min(a.x, b.x) - reach, max(a.x, b.x) + reach) {
        let pixel = Point(Double(column) + 0.5, Double(row) + 0.5)
        let t = min(max(((pixel - a) * along).sum() / squared, 0), 1)
        let distance = (pixel - (a + t * along)).length
        add(radii.0 + t * (radii.1 - radii.0) - distance + 0.5, row: row, column: column)
      }
    }
  }

  /// Inks one pixel; ink over ink is no darker than the darker of them.
  mutating func add(_ amount: Double, row: Int, column: Int) {
    let pixel = row * Self.side + column
    ink[pixel] = max(ink[pixel], min(amount, 1))
  }

  /// The rows or columns of the page that touch `low` … `high`.
  static func pixels(_ low: Double, _ high: Double) -> Range<Int> {
    let first = min(max(Int(low.rounded(.down)), 0), side)
    return first..<max(first, min(Int(high.rounded(.up)), side))
  }

  /// Where the ink balances, in pixels from the top left corner.
  var centreOfMass: Point {
    var (sum, mass) = (Point.zero, 0.0)
    for (pixel, amount) in ink.enumerated() {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: Self.side)
      sum += amount * Point(Double(column) + 0.5, Double(row) + 0.5)
      mass += amount
    }
    return sum / mass
  }

  /// White ink on black, grey, 28 × 28.
  var image: Image {
    Image(
      height: Self.side, width: Self.side, channels: 1,
      pixels: ink.map { UInt8(($0 * 255).rounded()) })
  }
}
