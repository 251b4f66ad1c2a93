/// A place on the paper: x to the right, y downwards.
typealias Point = SIMD2<Double>

extension Point {
  var length: Double { (x * x + y * y).squareRoot() }
}

/// The line a pen makes through the nodes of a stroke: smooth, but for its corners.
func curve(through nodes: [Form.Node]) -> [Point] {
  var line = [nodes[0].at]
  var piece = [nodes[0].at]
  for (index, node) in nodes.enumerated().dropFirst() {
    piece.append(node.at)
    if node.isCorner || index == nodes.count - 1 {
      line += spline(through: piece)
      piece = [node.at]
    }
  }
  return line
}

/// Twelve points a span of the centripetal Catmull–Rom spline, without its first point
/// (Yuksel, Schaefer and Keyser 2011, doi:10.1016/j.cad.2010.08.008: no cusps, no loops).
private func spline(through points: [Point]) -> [Point] {
  let last = points.count - 1
  let ahead = 2 * points[0] - points[1]
  let behind = 2 * points[last] - points[last - 1]
  let p = [ahead] + points + [behind]
  var line: [Point] = []
  for i in 1...last {
    let (a, b, c) = (step(p[i - 1], p[i]), step(p[i], p[i + 1]), step(p[i + 1], p[i + 2]))
    let chord = p[i + 1] - p[i]
    let leaving = chord + b * ((p[i] - p[i - 1]) / a - (p[i + 1] - p[i - 1]) / (a + b))
    let arriving = chord + b * ((p[i + 2] - p[i + 1]) / c - (p[i + 2] - p[i]) / (b + c))
    for k in 1...12 {
      let t = Double(k) / 12
      let (t2, t3) = (t * t, t * t * t)
      let ends = (2 * t3 - 3 * t2 + 1) * p[i] + (3 * t2 - 2 * t3) * p[i + 1]
      line.append(ends + (t3 - 2 * t2 + t) * leaving + (t3 - t2) * arriving)
    }
  }
  return line
}

/// The spline's parameter between two points: the root of their distance, never zero.
private func step(_ a: Point, _ b: Point) -> Double {
  max((b - a).length.squareRoot(), 1e-3)
}
