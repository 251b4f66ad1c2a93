import Detection
import Foundation

/// The receiver operating characteristic: of a score that is the odder the higher, the share of odd images
/// that are found against the share of normal ones that are found with them, at every threshold.
public struct ROCCurve: Equatable, Sendable {
  /// From (0, 0) to (1, 1); images of one score are found together.
  public let points: [Point]

  public struct Point: Equatable, Sendable {
    public let falsePositives: Double
    public let truePositives: Double

    public init(falsePositives: Double, truePositives: Double) {
      self.falsePositives = falsePositives
      self.truePositives = truePositives
    }
  }

  /// - Parameters: scores, at least one of either, none NaN.
  public init(normal: [Double], odd: [Double]) {
    precondition(!normal.isEmpty && !odd.isEmpty, "a curve needs normal and odd images")
    let scores = normal.map { ($0, false) } + odd.map { ($0, true) }
    var (found, alarms) = (0, 0)
    var points = [Point(falsePositives: 0, truePositives: 0)]
    var previous: Double?
    for (score, isOdd) in scores.sorted(by: { $0.0 > $1.0 }) {
      if score != previous, previous != nil {
        points.append(Self.point(alarms, normal.count, found, odd.count))
      }
      if isOdd { found += 1 } else { alarms += 1 }
      previous = score
    }
    points.append(Point(falsePositives: 1, truePositives: 1))
    self.points = points
  }

  private static func point(_ alarms: Int, _ normal: Int, _ found: Int, _ odd: Int) -> Point {
    Point(
      falsePositives: Double(alarms) / Double(normal), truePositives: Double(found) / Double(odd))
  }

  /// The area below it, which is the AUROC.
  public var area: Double {
    zip(points, points.dropFirst()).reduce(0) { sum, pair in
      let (a, b) = pair
      return sum + (b.falsePositives - a.falsePositives) * (a.truePositives + b.truePositives) / 2
    }
  }

  /// Without points that no picture shows: at most two a thousandth of the way.
  fileprivate var thinned: [Point] {
    var kept = [points[0]]
    for (point, next) in zip(points.dropFirst(), points.dropFirst(2)) {
      let last = kept[kept.count - 1]
      let isNear =
        next.falsePositives - last.falsePositives < 0.001
        && next.truePositives - last.truePositives < 0.001
      if !isNear { kept.append(point) }
    }
    return kept + [points[points.count - 1]]
  }
}

/// Curves of several sets, each by one or several runs, in one drawing.
public struct ROCPlot: Sendable {
  /// One set of odd images.
  public struct Series: Sendable {
    public var name: String
    /// One of each run.
    public var curves: [ROCCurve]

    public init(name: String, curves: [ROCCurve]) {
      self.name = name
      self.curves = curves
    }
  }

  public var title: String
  public var series: [Series]

  public init(title: String, series: [Series]) {
    self.title = title
    self.series = series
  }

  /// The drawing, an SVG file.
  public var svg: String {
    let plot = Plot(left: 72, top: 44, width: 480, height: 480, x: 0...1, y: 0...1)
    var content =
      "<text class=\"heading\" x=\"72\" y=\"26\">\(escaped(title))</text>\n"
      + plot.axes(
        x: "normal images flagged", y: "odd images flagged", inPercent: (true, true))
      + plot.line([(0, 0), (1, 1)], "chance")
    for (place, one) in series.enumerated() {
      for curve in one.curves {
        content += plot.line(
          curve.thinned.map { ($0.falsePositives, $0.truePositives) },
          Plot.curve(place) + (one.curves.count > 1 ? " thin" : ""))
      }
    }
    // Names can be long: below the drawing there is room for them.
    for (place, one) in series.enumerated() {
      let y = 586 + 24 * place
      let mean = one.curves.reduce(0) { $0 + $1.area } / Double(max(1, one.curves.count))
      let runs = one.curves.count > 1 ? ", mean of \(one.curves.count) runs" : ""
      content += """
        <path class="\(Plot.curve(place))" d="M72 \(y - 4)H104"/>\
        <text x="114" y="\(y)">\(escaped(shortened(one.name))): AUROC \
        \(String(format: "%.3f", mean))\(runs)</text>

        """
    }
    return Plot.document(
      width: 580, height: Double(580 + 24 * series.count), title: title, content)
  }
}

/// A name that fits into a drawing: its end, which tells it from others.
func shortened(_ name: String) -> String {
  name.count > 50 ? "…" + name.suffix(49) : name
}
