import Randomness

extension Plate {
  /// What can be wrong with a plate.
  public enum Fault: String, CaseIterable, Sendable {
    case scratch
    /// A hole that was never drilled.
    case hole
    case stain
    /// A thread that is missing for some way.
    case thread
  }

  /// What happened to one plate, in pixels of the plate.
  struct Damage {
    var missingHole: Int?
    var gap: Cloth.Gap?
    /// A line, brighter than what it runs over.
    var scratch: [Point] = []
    /// Drops that ran together.
    var stain: [(at: Point, radius: Double)] = []
    var extent: (low: Point, high: Point)

    /// A shade of the cloth as the damage leaves it.
    func shade(_ shade: Double, at place: Point) -> Double {
      var shade = shade
      if !stain.isEmpty {
        // Drops melt into each other; their rim is a little darker than their middle.
        var depth = 0.0
        for drop in stain {
          let share = max(0, 1 - (place - drop.at).length / drop.radius)
          depth += share * share
        }
        let wet = min(max((depth - 0.04) * 12, 0), 1)
        let rim = max(0, 1 - max(depth - 0.12, 0.12 - depth) * 12)
        shade *= 1 - wet * (0.3 + 0.1 * rim)
      }
      guard !scratch.isEmpty, place.x > extent.low.x - 2, place.x < extent.high.x + 2,
        place.y > extent.low.y - 2, place.y < extent.high.y + 2
      else { return shade }
      var nearest = 100.0
      for (from, to) in zip(scratch, scratch.dropFirst()) {
        nearest = min(nearest, distance(from: place, to: from, to))
      }
      // A burr of the scratch is dark beside the bright.
      let bright = min(max(1.1 - nearest + 0.5, 0), 1)
      let dark = min(max(2.4 - nearest + 0.5, 0), 1) - bright
      return shade + bright * 0.75 * (236 - shade) - dark * 0.35 * shade
    }
  }
}

extension Plate.Fault {
  func happen(using stream: inout RandomStream) -> Plate.Damage {
    switch self {
    case .scratch:
      let from = Point(stream.uniform(50...150), stream.uniform(60...190))
      let length = stream.uniform(45...95)
      let slope = stream.uniform(-0.9...0.9)
      let to = from + length / Point(1, slope).length * Point(1, slope)
      let inside = Point(to.x, min(max(to.y, 40), 216))
      let bend = stream.uniform(-6...6)
      let middle = 0.5 * (from + inside) + Point(0, bend)
      let line = curve(
        through: [from, middle, inside].map { Form.Node(at: $0, isCorner: false) })
      return Plate.Damage(scratch: line, extent: box(around: line, reach: 3))
    case .hole:
      let hole = stream.integer(below: Plate.holes.count)
      return Plate.Damage(
        missingHole: hole, extent: box(around: [Plate.holes[hole]], reach: Plate.rivetRadius + 1))
    case .stain:
      let heart = Point(stream.uniform(70...186), stream.uniform(70...186))
      let drops = (0..<6).map { index in
        let x = stream.uniform(-11...11)
        let at = index == 0 ? heart : heart + Point(x, stream.uniform(-11...11))
        return (at: at, radius: stream.uniform(13...22))
      }
      let ends = drops.flatMap { drop in
        [-1.0, 1].map { drop.at + drop.radius * Point($0, $0) }
      }
      return Plate.Damage(stain: drops, extent: box(around: ends, reach: 0))
    case .thread:
      let row = 4 + stream.integer(below: 20)
      let start = stream.uniform(36...130)
      let columns = start...start + stream.uniform(40...90)
      let gap = Cloth.Gap(row: row, columns: columns)
      let ends = [Point(columns.lowerBound, gap.y), Point(columns.upperBound, gap.y)]
      return Plate.Damage(gap: gap, extent: box(around: ends, reach: Cloth.pitch / 2))
    }
  }

  private func box(around points: [Point], reach: Double) -> (low: Point, high: Point) {
    let low = points.dropFirst().reduce(points[0]) { pointwiseMin($0, $1) }
    let high = points.dropFirst().reduce(points[0]) { pointwiseMax($0, $1) }
    return (low - Point(reach, reach), high + Point(reach, reach))
  }
}
