import Detection
import Files
import Foundation
import Images

/// One page for people: which images of a folder do not belong, how odd they are, and where in them
/// the surprise lies.
///
/// The page is one self-contained HTML file: pictures are PNG data URIs, there is no script, and
/// nothing is loaded from anywhere. Each flagged image may lead to its own file by a relative link.
///
/// ```swift
/// try FlagReport(
///   title: "parts/", table: table, flagged: flagged, unreadable: [], score: "nats",
///   falseAlarmRate: 0.01, calibration: calibration, scale: .bits(channels: 1),
///   command: CommandLine.arguments
/// ).write(to: "report.html")
/// ```
public struct FlagReport: Sendable {
  /// One flagged image as the model saw it, with its surprise on the page's scale.
  public struct Flagged: Sendable {
    public var row: ScoreRow
    public var image: Image
    public var heat: HeatMap
    /// The way from the page to the image's own file; nil where it has none.
    public var original: String?

    public init(row: ScoreRow, image: Image, heat: HeatMap, original: String? = nil) {
      self.row = row
      self.image = image
      self.heat = heat
      self.original = original
    }
  }

  /// A file that was skipped, and why.
  public struct Unreadable: Sendable {
    public var path: String
    public var reason: String

    public init(path: String, reason: String) {
      self.path = path
      self.reason = reason
    }
  }

  /// The most flagged images, and the most unreadable files, that the page lists.
  public static let limit = 200

  /// What was looked at: the folder as the user named it.
  public var title: String
  /// Every readable image.
  public var table: ScoreTable
  /// The flagged ones, the oddest first: all of them, or the first `limit`.
  public var flagged: [Flagged]
  public var unreadable: [Unreadable]
  /// The column of the table that the flags rest on, and the tail of it that is odd.
  public var score: String
  public var tail: Tail
  /// The false-alarm rate that was asked for, 0 … 1.
  public var falseAlarmRate: Double
  /// The share of the flagged that may be normal, where that was asked for instead.
  public var falseDiscoveryRate: Double?
  public var calibration: Calibration
  public var scale: HeatScale
  /// The words of the command line.
  public var command: [String]

  public init(
    title: String, table: ScoreTable, flagged: [Flagged], unreadable: [Unreadable],
    score: String = "nats", tail: Tail = .high, falseAlarmRate: Double, calibration: Calibration,
    scale: HeatScale, command: [String]
  ) {
    self.title = title
    self.table = table
    self.flagged = flagged
    self.unreadable = unreadable
    self.score = score
    self.tail = tail
    self.falseAlarmRate = falseAlarmRate
    self.calibration = calibration
    self.scale = scale
    self.command = command
  }

  /// Writes the page, as a whole or not at all. Throws a `FileError`, or what `html` throws.
  public func write(to path: String) throws {
    try AtomicFile.write(Data(html().utf8), to: path)
  }

  /// The page. Throws where the table or the calibration lacks the score, or the calibration has too
  /// few images for the false-alarm rate.
  public func html() throws(DetectionError) -> String {
    let ranks = try calibration.ranks(of: score)
    guard let found = table.values(of: score) else {
      throw DetectionError.unknownScore(
        score, known: ["nats", "bits_per_dimension"] + table.scoreNames)
    }
    let histogram = Histogram(
      normal: ranks.normal, found: found,
      ordinary: try ranks.ordinaryRange(falseAlarmRate: rate(among: ranks), tail: tail),
      label: scoreLabel)
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" \
      content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(flaggedCount) of \(table.rows.count) flagged: \(escaped(title))</title>
      <style>
      \(reportStyle)
      </style>
      </head>
      <body>
      \(headline)\(scores(histogram))\(flaggedSection)\(unreadableSection)\(method)</body>
      </html>

      """
  }

  /// The highest p-value that is flagged.
  private func rate(among ranks: RankPValue) -> Double {
    guard falseDiscoveryRate != nil else { return falseAlarmRate }
    let least = (tail == .both ? 2 : 1) / Double(ranks.normal.count + 1)
    let highest = table.rows.compactMap(\.verdict).filter(\.flagged).map(\.pValue).max()
    return min(highest ?? least, 1 - 1e-9)
  }

  private var flaggedCount: Int { table.rows.filter { $0.verdict?.flagged == true }.count }

  private var scoreLabel: String {
    switch score {
    case "nats": "−log p(x), nats an image"
    case "bits_per_dimension": "bits per dimension"
    case Score.verdict: "verdict: how odd all scores are together"
    default: score
    }
  }

  private var headline: String {
    let asked =
      falseDiscoveryRate.map { ($0, "false-discovery") } ?? (falseAlarmRate, "false-alarm")
    let among = falseDiscoveryRate == nil ? table.rows.count : flaggedCount
    let expected = asked.0 * Double(among)
    let figures = [
      (table.rows.count.description, "images"), (flaggedCount.description, "flagged"),
      (unreadable.count.description, "unreadable"),
      (short(100 * asked.0) + " %", "\(asked.1) rate asked for"),
      (String(format: expected < 10 ? "%.1f" : "%.0f", expected), "false alarms to expect"),
    ]
    let cells = figures.map { "<div><dt>\($0.1)</dt><dd>\($0.0)</dd></div>\n" }.joined()
    return """
      <header>
      <h1><bdi>\(escaped(title))</bdi></h1>
      <dl class="figures">
      \(cells)</dl>
      <p class="note">False alarms to expect: at most this many on average, were every image \
      normal.</p>
      </header>

      """
  }

  private func scores(_ histogram: Histogram) -> String {
    let drawing =
      histogram.svg(.wide).map { $0 + (histogram.svg(.narrow) ?? "") }
      ?? "<p>The scores have no finite range that could be drawn.</p>\n"
    let key = """
      <p class="key"><span class="normal">\(calibration.count) \(calibration.kind)</span>
      <span class="found">\(table.rows.count) images of this folder</span>
      <span class="flag">flagged, one tick each</span></p>

      """
    let beyond = histogram.beyond.map { "<p class=\"note\">\($0)</p>\n" } ?? ""
    return "<section>\n<h2>Scores</h2>\n\(key)\(drawing)\(beyond)</section>\n"
  }

  private var flaggedSection: String {
    guard flaggedCount > 0 else {
      return "<section>\n<h2>Flagged images</h2>\n<p>None was flagged.</p>\n</section>\n"
    }
    let shown = flagged.prefix(Self.limit)
    let left = flaggedCount - shown.count
    let note =
      left > 0
      ? "<p class=\"note\">The first \(shown.count) of \(flaggedCount) are shown.</p>\n" : ""
    return """
      <section>
      <h2>Flagged images</h2>
      \(note)\(legend)<table class="flagged">
      <thead><tr><th>image</th><th>surprise</th><th>file</th>\
      \(hasParts ? "<th>what is odd</th>" : "")<th class="number">nats</th>\
      <th class="number">bits/dim</th><th class="number">p-value</th></tr></thead>
      <tbody>
      \(shown.map(tableRow).joined())</tbody>
      </table>
      </section>

      """
  }

  private var hasParts: Bool { flagged.contains { $0.row.verdict?.parts.isEmpty == false } }

  private func tableRow(_ flagged: Flagged) -> String {
    let row = flagged.row
    let name = "<bdi>\(escaped(row.path))</bdi>"
    let figures = [
      ("nats", String(format: "%.1f", row.nats)),
      ("bits/dim", String(format: "%.3f", row.bitsPerDimension)),
      ("p-value", row.verdict.map { short($0.pValue) } ?? ""),
    ]
    let parts = row.verdict?.parts ?? []
    let reasons = parts.map { part in
      "<li>\(escaped(part.score)) \(part.isHigh ? "high" : "low"), \(Int(100 * part.share)) %</li>"
    }
    let why =
      hasParts
      ? "<td class=\"parts\" data-label=\"what is odd\"><ul>\(reasons.joined())</ul></td>" : ""
    // On a narrow page each cell says itself what it is.
    let cells = figures.map { "<td class=\"number\" data-label=\"\($0.0)\">\($0.1)</td>" }.joined()
    return """
      <tr><td>\(picture(flagged.image, "image"))</td>\
      <td>\(picture(flagged.heat.image, "surprise"))</td>\
      <td class="path">\(link(name, to: flagged.original))</td>\(why)\(cells)</tr>

      """
  }

  private func link(_ text: String, to file: String?) -> String {
    file.map { "<a href=\"\(escaped($0))\">\(text)</a>" } ?? text
  }

  /// The colour bar of the heat maps.
  private var legend: String {
    let bar = HeatMap(width: 256, height: 1, steps: (0...255).map { UInt8($0) }).image
    let labels = (0...4).map { quarter in
      let (low, high) = (scale.ends.lowerBound, scale.ends.upperBound)
      let value = short(Double(low + (high - low) * Float(quarter) / 4))
      return "<span>\(quarter == 4 ? "≥ " : quarter == 0 && low < 0 ? "≤ " : "")\(value)</span>"
    }
    return """
      <div class="legend"><img alt="colours from dark to light" src="\(dataURI(bar))">
      <div>\(labels.joined())</div>
      <p>\(escaped(scale.unit)); the same scale for every image</p></div>

      """
  }

  private var unreadableSection: String {
    guard !unreadable.isEmpty else { return "" }
    let rows = unreadable.prefix(Self.limit).map {
      "<tr><td class=\"path\"><bdi>\(escaped($0.path))</bdi></td><td>\(escaped($0.reason))</td></tr>\n"
    }
    let left = unreadable.count - rows.count
    let note = left > 0 ? "<p class=\"note\">And \(left) more.</p>\n" : ""
    return """
      <section>
      <h2>Unreadable files</h2>
      <table>
      <thead><tr><th>file</th><th>reason</th></tr></thead>
      <tbody>
      \(rows.joined())</tbody>
      </table>
      \(note)</section>

      """
  }

  private var method: String {
    let rank =
      switch tail {
      case .high: "p = (1 + the number that score at least as high) / (N + 1)"
      case .low: "p = (1 + the number that score at most as high) / (N + 1)"
      case .both: "p = twice the smaller of its two ranks / (N + 1)"
      }
    let ranking =
      score == Score.verdict
      ? """
      The scores of N = \(calibration.count) \(calibration.kind) \
      (<bdi>\(escaped(calibration.data))</bdi>) together say how odd an image is: each is placed in \
      the tails of theirs, and all are weighed by how theirs go together. Its parts say which scores \
      made it odd, high or low, and by what share. Five models, each of four fifths of those images, \
      rank it among the others: p = (1 + the number that are at least as odd) / (N + 1)
      """
      : """
      Each image is ranked by its score, \(escaped(scoreLabel)), among N = \(calibration.count) \
      \(calibration.kind) (<bdi>\(escaped(calibration.data))</bdi>): \(rank)
      """
    let flagging =
      falseDiscoveryRate.map {
        """
        It is flagged by the rule of Benjamini and Hochberg, so that on average at most \($0) of the \
        flagged are normal.
        """
      } ?? """
        It is flagged where p ≤ \(falseAlarmRate), so that on average at most that share of normal \
        images is flagged, however good or bad the model.
        """
    return """
      <section class="method">
      <h2>How the numbers were computed</h2>
      <p>\(ranking). \(flagging) Each pixel has a surprise, −log₂ p(pixel | all pixels before it in \
      reading order), in bits: their sum is the image's −log₂ p(x), and bits per dimension is that sum \
      divided by the number of sub-pixels. A heat map shows \(escaped(scale.unit)).</p>
      <p>Made by</p>
      <pre>\(escaped(shellLine(command)))</pre>
      </section>

      """
  }

  /// A picture at a whole enlargement, so that small ones can be seen.
  private func picture(_ image: Image, _ alternative: String) -> String {
    let factor = enlargement(width: image.width, height: image.height, atLeast: 112)
    let width = min(image.width * factor, 224)
    return "<img alt=\"\(alternative)\" width=\"\(width)\" src=\"\(dataURI(image))\">"
  }

  private func dataURI(_ image: Image) -> String {
    "data:image/png;base64,\(Data(image.encodedPNG()).base64EncodedString())"
  }
}
