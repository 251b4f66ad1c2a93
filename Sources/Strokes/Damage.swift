import Randomness

/// What can go wrong with a written digit so that anybody sees it.
public enum Damage: String, CaseIterable, Sendable {
  /// Two scratches from one side of the page to the other.
  case scratch
  /// A spilt drop of ink.
  case blot
  /// A patch of single white pixels.
  case salt
  /// The digit a second time, to the side.
  case double
}

extension Damage {
  func apply(to page: inout Page, wrote traces: [Trace], using stream: inout RandomStream) {
    switch self {
    case .scratch:
      for _ in 0..<2 { page.draw(scratch(using: &stream)) }
    case .blot:
      for trace in blot(using: &stream) { page.draw(trace) }
    case .salt:
      let (left, top) = (stream.uniform(2...12), stream.uniform(2...12))
      for row in Page.pixels(top, top + 13) {
        for column in Page.pixels(left, left + 13) where stream.uniform() < 0.4 {
          page.add(1, row: row, column: column)
        }
      }
    case .double:
      let offset = Point(stream.uniform(4...6), stream.uniform(-4...4))
      for trace in traces { page.draw(trace.moved(by: offset)) }
    }
  }

  private func scratch(using stream: inout RandomStream) -> Trace {
    let side = Double(Page.side)
    let (from, to) = (stream.uniform(1...side - 1), stream.uniform(1...side - 1))
    let bend = stream.uniform(-4...4)
    let nodes = [Point(0, from), Point(side / 2, (from + to) / 2 + bend), Point(side, to)]
    let falls = stream.uniform() < 0.5
    let line = curve(
      through: nodes.map { Form.Node(at: falls ? Point($0.y, $0.x) : $0, isCorner: false) })
    return Trace(points: line, radii: line.map { _ in 0.7 })
  }

  /// A drop that ran: a short, very thick line, and three splashes around it.
  private func blot(using stream: inout RandomStream) -> [Trace] {
    func near(_ point: Point, _ reach: Double) -> Point {
      let x = stream.uniform(-reach...reach)
      return point + Point(x, stream.uniform(-reach...reach))
    }
    let heart = near(Page.centre, 5)
    let drop = Trace(
      points: [heart, near(heart, 3)], radii: [stream.uniform(4...5), stream.uniform(2.5...4)])
    return [drop]
      + (0..<3).map { _ in
        let at = near(heart, 9)
        return Trace(points: [at, at], radii: [1, stream.uniform(0.8...1.4)])
      }
  }
}
