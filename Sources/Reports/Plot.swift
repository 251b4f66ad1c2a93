import Foundation

/// A rectangle with two axes in a drawing, and where values stand in it.
struct Plot {
  let left, top, width, height: Double
  let x: ClosedRange<Double>
  let y: ClosedRange<Double>

  func across(_ value: Double) -> Double {
    left + width * share(value, of: x)
  }

  func down(_ value: Double) -> Double {
    top + height * (1 - share(value, of: y))
  }

  private func share(_ value: Double, of range: ClosedRange<Double>) -> Double {
    min(max((value - range.lowerBound) / (range.upperBound - range.lowerBound), 0), 1)
  }

  /// Both axes with rules, round numbers and what they show; a share is written in percent.
  func axes(x xLabel: String, y yLabel: String, inPercent: (x: Bool, y: Bool)) -> String {
    let bottom = top + height
    var svg = ""
    for tick in Self.ticks(x, inPercent.x, about: max(2, Int(width / 75))) {
      let at = point(across(tick.value))
      svg += """
        <path class="rule" d="M\(at) \(point(top))V\(point(bottom))"/>\
        <text x="\(at)" y="\(point(bottom + 18))" text-anchor="middle">\(tick.label)</text>

        """
    }
    for tick in Self.ticks(y, inPercent.y, about: max(2, Int(height / 60))) {
      let at = point(down(tick.value))
      svg += """
        <path class="rule" d="M\(point(left)) \(at)H\(point(left + width))"/>\
        <text x="\(point(left - 7))" y="\(at)" dy="4" text-anchor="end">\(tick.label)</text>

        """
    }
    let middle = point(top + height / 2)
    return svg + """
      <path class="axis" d="M\(point(left)) \(point(top))V\(point(bottom))H\(point(left + width))"/>
      <text x="\(point(left + width / 2))" y="\(point(bottom + 38))" text-anchor="middle">\
      \(escaped(xLabel))</text>
      <text transform="translate(\(point(left - 46)) \(middle)) rotate(-90)" text-anchor="middle">\
      \(escaped(yLabel))</text>

      """
  }

  private static func ticks(
    _ range: ClosedRange<Double>, _ inPercent: Bool, about count: Int
  ) -> [(value: Double, label: String)] {
    guard inPercent else { return Reports.ticks(range, about: count) }
    let percent = Reports.ticks(100 * range.lowerBound...100 * range.upperBound, about: count)
    return percent.map { ($0.value / 100, "\($0.label) %") }
  }

  /// A line through values, in a colour of its own (`colour`, from 0) or of a class.
  func line(_ values: [(x: Double, y: Double)], _ style: String) -> String {
    let path = values.map { "\(point(across($0.x))) \(point(down($0.y)))" }.joined(separator: "L")
    return "<path class=\"\(style)\" d=\"M\(path)\"/>\n"
  }

  /// Bars of equal width side by side, as one outline down to the axis.
  func stairs(_ heights: [Double], _ style: String) -> String {
    let step = width / Double(heights.count)
    let stairs = heights.enumerated().map { place, height in
      "V\(point(down(height)))H\(point(left + Double(place + 1) * step))"
    }
    let floor = point(down(y.lowerBound))
    return "<path class=\"\(style)\" d=\"M\(point(left)) \(floor)\(stairs.joined())V\(floor)\"/>\n"
  }

  /// The classes of a curve in one of six colours; beyond, in dashes.
  static func curve(_ place: Int) -> String {
    "curve colour-\(place % 6)" + (place % 12 >= 6 ? " dashed" : "")
  }

  /// How a file of a width begins.
  static func beginning(width: Double) -> String {
    """
    <?xml version="1.0" encoding="UTF-8"?>
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(point(width))\u{20}
    """
  }

  /// A file of its own that is light or dark as what shows it.
  static func document(width: Double, height: Double, title: String, _ content: String) -> String {
    """
    \(beginning(width: width))\(point(height))" \
    width="\(point(width))" height="\(point(height))" role="img">
    <title>\(escaped(title))</title>
    <style>
    svg { background: #fcfcfd; color: #1d2027; font: 13px system-ui, "Noto Sans", sans-serif; }
    text { fill: #4c535f; font-variant-numeric: tabular-nums; }
    .heading { fill: #1d2027; font-size: 15px; font-weight: 600; }
    path { fill: none; }
    .rule { stroke: #e4e7ec; }
    .axis { stroke: #7b828f; }
    .chance { stroke: #9aa2b0; stroke-dasharray: 2 4; }
    .normal { fill: #b4c0d4; }
    .curve { stroke-width: 2; stroke-linejoin: round; }
    .thin { stroke-width: 1; }
    .dashed { stroke-dasharray: 6 4; }
    .colour-0 { stroke: #0067b0; } .colour-1 { stroke: #c64c00; } .colour-2 { stroke: #00805c; }
    .colour-3 { stroke: #b04f8c; } .colour-4 { stroke: #a87400; } .colour-5 { stroke: #3a8fc4; }
    @media (prefers-color-scheme: dark) {
      svg { background: #15171b; color: #e6e8ec; }
      text { fill: #aab1bd; }
      .heading { fill: #e6e8ec; }
      .rule { stroke: #2b2f37; }
      .axis { stroke: #7b828f; }
      .normal { fill: #465064; }
      .colour-0 { stroke: #6fb6ff; } .colour-1 { stroke: #ff8d52; } .colour-2 { stroke: #43c79c; }
      .colour-3 { stroke: #ee9aca; } .colour-4 { stroke: #e5b04a; } .colour-5 { stroke: #a9d8f2; }
    }
    </style>
    <rect class="paper" width="100%" height="100%" fill="none"/>
    \(content)</svg>

    """
  }
}

/// A coordinate to a tenth, without a needless fraction.
private func point(_ coordinate: Double) -> String {
  let tenths = (coordinate * 10).rounded()
  let whole = Int(tenths / 10)
  return tenths == Double(whole) * 10 ? "\(whole)" : "\(tenths / 10)"
}
