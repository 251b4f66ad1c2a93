import Foundation

/// The scores of a folder against those of normal images, as an inline SVG: both as shares of their
/// own total, and a tick below the axis for each image outside the ordinary range.
struct Histogram {
  /// Held-out normal scores, ascending.
  let normal: [Double]
  let found: [Double]
  /// The scores that are not flagged.
  let ordinary: ClosedRange<Double>
  /// What the horizontal axis shows.
  let label: String

  private let bins = 60

  /// How large a drawing is; its text has the same size in both.
  enum Format: String {
    case wide
    /// For a telephone held upright.
    case narrow

    var size: (width: Double, height: Double) { self == .wide ? (720, 252) : (360, 252) }
    var plot: (left: Double, right: Double, top: Double, bottom: Double) {
      (46, size.width - 16, 26, 190)
    }
  }

  init(normal: [Double], found: [Double], ordinary: ClosedRange<Double>, label: String) {
    self.normal = normal
    self.found = found
    self.ordinary = ordinary
    self.label = label
  }

  /// The drawing; nil where the scores have no range to draw (none finite, or beyond a double's).
  func svg(_ format: Format) -> String? {
    guard let domain else { return nil }
    let (plot, size) = (format.plot, format.size)
    let normalShares = shares(normal, in: domain)
    let foundShares = shares(found, in: domain)
    let top = max(normalShares.max()!, foundShares.max()!)
    func x(_ score: Double) -> Double {
      let share = (score - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
      return plot.left + (plot.right - plot.left) * min(max(share, 0), 1)
    }
    func y(_ share: Double) -> Double {
      guard share > 0 else { return plot.bottom }
      // A single image among thousands still shows.
      return min(plot.bottom - (plot.bottom - plot.top) * share / top, plot.bottom - 1.5)
    }

    var svg = """
      <svg class="plot \(format.rawValue)" viewBox="0 0 \(size.width) \(size.height)" role="img" \
      aria-label="Histogram of \(escaped(label))">

      """
    for tick in ticks(0...(100 * top), about: 4) where tick.value > 0 {
      let height = point(y(tick.value / 100))
      svg += """
        <path class="rule" d="M\(plot.left) \(height)H\(plot.right)"/>\
        <text x="\(plot.left - 6)" y="\(height)" dy="4" text-anchor="end">\(tick.label) %</text>

        """
    }
    let steps = plot.left...plot.right
    svg += "<path class=\"normal\" d=\"\(outline(normalShares, over: steps, y: y))Z\"/>\n"
    svg += "<path class=\"found\" d=\"\(outline(foundShares, over: steps, y: y))\"/>\n"
    svg += "<path class=\"axis\" d=\"M\(plot.left) \(plot.bottom)H\(plot.right)\"/>\n"

    let outside = found.filter { !$0.isNaN && !ordinary.contains($0) }
    let flags = Set(outside.map { point(x($0)) }).sorted().map { "M\($0) \(plot.bottom + 3)v9" }
    svg += "<path class=\"flag\" d=\"\(flags.joined())\"/>\n"
    for tick in ticks(domain, about: format == .wide ? 10 : 5) {
      svg += """
        <text x="\(point(x(tick.value)))" y="\(plot.bottom + 28)" text-anchor="middle">\
        \(tick.label)</text>

        """
    }
    svg += """
      <text x="\((plot.left + plot.right) / 2)" y="\(plot.bottom + 50)" text-anchor="middle">\
      \(escaped(label))</text>

      """
    for end in [ordinary.lowerBound, ordinary.upperBound] where end.isFinite {
      let anchor = x(end) > (plot.left + plot.right) / 2 ? "end" : "start"
      let shift = anchor == "end" ? -5.0 : 5
      svg += """
        <path class="threshold" d="M\(point(x(end))) 8V\(plot.bottom)"/>\
        <text class="threshold" x="\(point(x(end) + shift))" y="16" text-anchor="\(anchor)">\
        threshold \(escaped(short(end)))</text>

        """
    }
    return svg + "</svg>\n"
  }

  /// In words, how many of the folder's scores lie beyond the drawing; nil where none does.
  var beyond: String? {
    guard let domain else { return nil }
    let below = found.filter { $0 < domain.lowerBound }.count
    let above = found.filter { $0 > domain.upperBound }.count
    let parts = [(below, "lower"), (above, "higher")].filter { $0.0 > 0 }
    guard !parts.isEmpty else { return nil }
    let counts = parts.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    return "Drawn at the edge because they lie beyond it: \(counts)."
  }

  /// From the ordinary scores out as far as there are others, but not so far that the ordinary ones
  /// shrink to a line.
  private var domain: ClosedRange<Double>? {
    let finite = normal.filter(\.isFinite)
    let all = finite + found.filter(\.isFinite)
    guard let least = all.min(), let most = all.max(), !finite.isEmpty else { return nil }
    let low = finite[finite.count / 100]
    let high = finite[finite.count - 1 - finite.count / 100]
    var ends = [max(least, low - 2 * (high - low)), min(most, high + 3 * (high - low))]
    ends += [ordinary.lowerBound, ordinary.upperBound].filter(\.isFinite)
    if ends.min() == ends.max() { ends = [ends[0] - 1, ends[0] + 1] }
    let domain = ends.min()!...ends.max()!
    let span = domain.upperBound - domain.lowerBound
    // The widths of the bins must be more than rounding.
    let resolution = max(abs(domain.lowerBound), abs(domain.upperBound)) * 1e-12
    return span.isFinite && span > resolution ? domain : nil
  }

  /// The share of the values in each bin, what lies outside in the first and the last.
  private func shares(_ values: [Double], in domain: ClosedRange<Double>) -> [Double] {
    let values = values.filter { !$0.isNaN }
    var shares = [Double](repeating: 0, count: bins)
    for value in values {
      let place = (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
      let bin = min(max(place * Double(bins), 0), Double(bins - 1))
      shares[Int(bin)] += 1 / Double(values.count)
    }
    return shares
  }

  /// A staircase over the bins, down to the axis at either end.
  private func outline(
    _ shares: [Double], over steps: ClosedRange<Double>, y: (Double) -> Double
  ) -> String {
    let width = (steps.upperBound - steps.lowerBound) / Double(bins)
    let stairs = shares.enumerated().map { bin, share in
      "V\(point(y(share)))H\(point(steps.lowerBound + Double(bin + 1) * width))"
    }
    return "M\(steps.lowerBound) \(y(0))\(stairs.joined())V\(y(0))"
  }
}

/// Round numbers across a range, 1, 2 or 5 times a power of ten apart, with their labels.
func ticks(_ range: ClosedRange<Double>, about count: Int) -> [(value: Double, label: String)] {
  let rough = (range.upperBound - range.lowerBound) / Double(count)
  let power = pow(10, floor(log10(rough)))
  let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
  let first = (range.lowerBound / step).rounded(.up)
  let decimals = min(12, max(0, -Int(floor(log10(step)))))
  return (0...2 * count).map { (first + Double($0)) * step }
    .prefix { $0 <= range.upperBound + step * 1e-9 }
    .map { value in
      let label = String(format: "%.\(decimals)f", value == 0 ? 0 : value)
      return (value, label.count > 8 ? short(value) : label)
    }
}

/// Four significant digits; "inf" and "nan" as they are.
func short(_ number: Double) -> String {
  let digits = abs(number) >= 1_000 && abs(number) < 1e7 ? "%.0f" : "%.4g"
  return String(format: digits, number)
}

/// A coordinate in an SVG, to a tenth.
private func point(_ coordinate: Double) -> Double { (coordinate * 10).rounded() / 10 }
