import Foundation

/// How a score is spread over normal images and over each of several sets of others: a panel a set.
public struct ScoresPlot: Sendable {
  public var title: String
  /// What the horizontal axis shows.
  public var label: String
  public var normal: [Double]
  public var others: [(name: String, values: [Double])]

  /// - Parameters:
  ///   - normal: scores, the higher the odder; those that are not finite are drawn at the edge.
  public init(
    title: String, label: String, normal: [Double], others: [(name: String, values: [Double])]
  ) {
    self.title = title
    self.label = label
    self.normal = normal
    self.others = others
  }

  private static let bins = 60
  private static let panel = 190.0

  /// The drawing, an SVG file.
  public var svg: String {
    let domain = self.domain
    var content = "<text class=\"heading\" x=\"72\" y=\"26\">\(escaped(title))</text>\n"
    let normalShares = shares(normal, in: domain)
    for (place, other) in others.enumerated() {
      let found = shares(other.values, in: domain)
      let highest = max(normalShares.max() ?? 0, found.max() ?? 0, 1e-9)
      let plot = Plot(
        left: 72, top: 66 + Double(place) * (Self.panel + 84), width: 480, height: Self.panel,
        x: domain, y: 0...highest * 1.05)
      content += plot.axes(x: label, y: "share of images", inPercent: (false, true))
      content += plot.stairs(normalShares, "normal")
      content += plot.stairs(found, Plot.curve(place))
      let y = Int(plot.top) - 12
      content += """
        <rect class="normal" x="72" y="\(y - 10)" width="16" height="10"/>\
        <text x="94" y="\(y)">normal, \(grouped(normal.count))</text>\
        <path class="\(Plot.curve(place))" d="M206 \(y - 5)H230"/>\
        <text x="238" y="\(y)">\(escaped(shortened(other.name))), \
        \(grouped(other.values.count))</text>

        """
    }
    return Plot.document(
      width: 580, height: 66 + Double(max(1, others.count)) * (Self.panel + 84), title: title,
      content)
  }

  /// What nearly all images have; what lies beyond is drawn at the edge.
  private var domain: ClosedRange<Double> {
    func range(_ values: [Double], _ share: Double) -> (Double, Double)? {
      let finite = values.filter(\.isFinite).sorted()
      guard !finite.isEmpty else { return nil }
      let cut = Int(share * Double(finite.count))
      return (finite[cut], finite[finite.count - 1 - cut])
    }
    let ranges = [range(normal, 0.005)] + others.map { range($0.values, 0.1) }
    let ends = ranges.compactMap(\.self)
    guard let low = ends.map(\.0).min(), let high = ends.map(\.1).max() else { return 0...1 }
    let isDrawable = high - low > max(abs(high), abs(low)) * 1e-9 && (high - low).isFinite
    if isDrawable { return low...high }
    return abs(low) < 1e9 && high - low < 1e9 ? low - 1...high + 1 : 0...1
  }

  private func shares(_ values: [Double], in domain: ClosedRange<Double>) -> [Double] {
    var shares = [Double](repeating: 0, count: Self.bins)
    for value in values where !value.isNaN {
      let place = (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
      let bin = min(max(place * Double(Self.bins), 0), Double(Self.bins - 1))
      shares[Int(bin)] += 1 / Double(values.count)
    }
    return shares
  }
}
