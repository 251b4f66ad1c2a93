import Randomness

/// A writer: the habits that all their symbols share.
///
/// One pool of hands writes everything, so that an outsider differs in what was drawn and never in
/// who drew it.
struct Hand {
  static let count = 200

  private let seed: UInt64
  private let number: Int
  /// Shift to the right per unit of height.
  private let slant: Double
  /// Width over height, as a factor on the taught form.
  private let breadth: Double
  /// Half the width of a line, in pixels.
  private let radius: Double
  /// How much thinner a line is at its end than at its start.
  private let taper: Double
  /// Standard deviation of the places the pen passes through, in grid units.
  private let carelessness: Double
  /// How much the line trembles, in grid units.
  private let tremor: Double

  init(seed: UInt64, number: Int) {
    var stream = RandomStream(seed: seed, "hand", number)
    self.seed = seed
    self.number = number
    slant = stream.bell(mean: 0.14, deviation: 0.12)
    breadth = stream.bell(mean: 0.98, deviation: 0.1)
    radius = stream.bell(mean: 1.22, deviation: 0.16)
    taper = stream.uniform(0...0.3)
    carelessness = stream.uniform(0.1...0.3)
    tremor = stream.uniform(0.01...0.05)
  }

  /// The symbol as this hand writes it this time, as one traced line a stroke, placed on the page.
  func write(_ symbol: Symbol, using stream: inout RandomStream) -> [Trace] {
    let form = habit(for: symbol)
    let slant = slant + stream.bell(mean: 0, deviation: 0.04)
    let breadth = breadth + stream.bell(mean: 0, deviation: 0.04)
    let turn = stream.bell(mean: 0, deviation: 0.035)
    let radius = radius * stream.bell(mean: 1, deviation: 0.05)
    let lines = form.map { nodes in
      let moved = nodes.map {
        Form.Node(at: $0.at + carelessness * stream.scatter(), isCorner: $0.isCorner)
      }
      let line = trembling(curve(through: moved), using: &stream)
      return line.map { rotated(Point(breadth * $0.x - slant * $0.y, $0.y), halfAngle: turn) }
    }
    let size = 20 * stream.uniform(0.92...1) - 2 * radius
    return placed(lines, size: size).map { line in
      Trace(
        points: line,
        radii: line.indices.map { radius * (1 + taper * (0.5 - Double($0) / Double(line.count))) })
    }
  }

  /// The form of the symbol that this hand has settled on, bent in its own way.
  private func habit(for symbol: Symbol) -> [[Form.Node]] {
    var stream = RandomStream(seed: seed, "hand/\(symbol.name)", number)
    let form = symbol.forms[stream.integer(below: symbol.forms.count)]
    return form.strokes.map { nodes in
      nodes.map { Form.Node(at: $0.at + 0.4 * stream.scatter(), isCorner: $0.isCorner) }
    }
  }

  /// The line with a slow random drift to it.
  private func trembling(_ line: [Point], using stream: inout RandomStream) -> [Point] {
    var drift = Point.zero
    return line.map { point in
      drift = 0.9 * drift + tremor * stream.scatter()
      return point + drift
    }
  }
}

extension RandomStream {
  /// A step in the plane, standard deviation 1 each way.
  fileprivate mutating func scatter() -> Point {
    let x = bell()
    return Point(x, bell())
  }
}

/// The point turned about the origin; `halfAngle` is the tangent of half the angle, which makes sine
/// and cosine plain fractions.
private func rotated(_ point: Point, halfAngle t: Double) -> Point {
  let (cosine, sine) = ((1 - t * t) / (1 + t * t), 2 * t / (1 + t * t))
  return Point(cosine * point.x - sine * point.y, sine * point.x + cosine * point.y)
}

/// The lines together, their longer side `size` pixels, in the middle of the page.
private func placed(_ lines: [[Point]], size: Double) -> [[Point]] {
  let points = lines.joined()
  let low = points.reduce(points.first!) { pointwiseMin($0, $1) }
  let high = points.reduce(points.first!) { pointwiseMax($0, $1) }
  let scale = size / max(high.x - low.x, high.y - low.y)
  let middle = 0.5 * (low + high)
  return lines.map { line in line.map { Page.centre + scale * ($0 - middle) } }
}
