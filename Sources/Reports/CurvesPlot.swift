import Foundation

/// How several trainings went, in one drawing: the lower, the better.
public struct CurvesPlot: Sendable {
  public struct Point: Equatable, Sendable {
    public let x: Double
    public let y: Double

    public init(x: Double, y: Double) {
      self.x = x
      self.y = y
    }
  }

  public struct Series: Sendable {
    public let name: String
    /// From left to right; none NaN.
    public let points: [Point]

    public init(name: String, points: [Point]) {
      self.name = name
      self.points = points
    }

    /// The lowest.
    public var best: Double { points.map(\.y).min() ?? .infinity }

    /// Where it first is as low as a value; nil where it never is.
    public func reaches(_ target: Double) -> Double? { points.first { $0.y <= target }?.x }
  }

  public var title: String
  public var xLabel: String
  public var yLabel: String
  public var series: [Series]
  /// A value that is drawn as a line across.
  public var target: Double?

  /// - Parameter series: at least one, each of at least one point.
  public init(
    title: String, xLabel: String, yLabel: String, series: [Series], target: Double? = nil
  ) {
    precondition(
      !series.isEmpty && series.allSatisfy { !$0.points.isEmpty }, "a curve needs a point")
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.series = series
    self.target = target
  }

  /// The beginning of every such file, by which one is known.
  public static let beginning = Plot.beginning(width: 712)

  /// What is shown of the values. All begin so high that no end could be told from another: what lies
  /// above where the slowest is after a tenth of its way is left out.
  var range: ClosedRange<Double> {
    let low = min(series.map(\.best).min()!, target ?? .infinity)
    let early = series.map { one in
      let end = one.points.last!.x
      return one.points.first { $0.x >= end / 10 }!.y
    }
    let high = max(early.max()!, target ?? -.infinity, series.map(\.best).max()!)
    let margin = max((high - low) / 20, 1e-3 * abs(high), 1e-9)
    return low - margin...high + margin
  }

  /// The drawing, an SVG file.
  public var svg: String {
    let (left, width) = (84.0, 600.0)
    let end = series.map { $0.points.last!.x }.max()!
    let plot = Plot(
      left: left, top: 44, width: width, height: 400, x: 0...max(end, 1e-9), y: range)
    var content =
      "<text class=\"heading\" x=\"\(Int(left))\" y=\"26\">\(escaped(title))</text>\n"
      + plot.axes(x: xLabel, y: yLabel, inPercent: (false, false))
    if let target { content += plot.line([(0, target), (plot.x.upperBound, target)], "chance") }
    for (place, one) in series.enumerated() {
      content += plot.line(visible(one.points).map { ($0.x, $0.y) }, Plot.curve(place))
    }
    for (place, one) in series.enumerated() {
      let y = 506 + 24 * place
      content += """
        <path class="\(Plot.curve(place))" d="M\(Int(left)) \(y - 4)h32"/>\
        <text x="\(Int(left) + 42)" y="\(y)">\(escaped(shortened(one.name))): \
        \(String(format: "%.4g", one.best))</text>

        """
    }
    return Plot.document(
      width: left + width + 28, height: Double(500 + 24 * series.count), title: title, content)
  }

  /// A curve from where it comes into sight.
  private func visible(_ points: [Point]) -> [Point] {
    let top = range.upperBound
    guard let first = points.firstIndex(where: { $0.y <= top }) else { return [] }
    guard first > 0 else { return points }
    let (above, below) = (points[first - 1], points[first])
    let share = (above.y - top) / (above.y - below.y)
    let entry = Point(x: above.x + share * (below.x - above.x), y: top)
    return [entry] + points[first...]
  }
}
