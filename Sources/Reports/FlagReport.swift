import Detection
import Files
import Foundation
import Images

/// One page for people: which images of a folder do not belong, how odd they are, and where in them
/// the surprise lies.
///
/// The page is one self-contained HTML file that loads nothing: pictures and rows are data in it, and a
/// script of its own shows them, the oddest first, at any threshold, by mouse, finger or keyboard. It
/// lists the 10 000 oddest images, and stays below 16 MB: pictures are of the oddest, as far as they fit,
/// larger ones of the first 200 at most. What is left out it says.
///
/// ```swift
/// try FlagReport(
///   title: "parts/", table: table, pictures: pictures.oddestFirst, unreadable: [], score: "nats",
///   falseAlarmRate: 0.01, calibration: calibration, scale: .bits(channels: 1),
///   command: CommandLine.arguments
/// ).write(to: "report.html")
/// ```
public struct FlagReport: Sendable {
  /// A file that was skipped, and why.
  public struct Unreadable: Sendable {
    public var path: String
    public var reason: String

    public init(path: String, reason: String) {
      self.path = path
      self.reason = reason
    }
  }

  /// The most larger pictures on the page, and the most unreadable files that it lists.
  public static let limit = OddestPictures.large

  /// What was looked at: the folder as the user named it.
  public var title: String
  /// Every readable image.
  public var table: ScoreTable
  /// Of the oddest of them.
  public var pictures: [OddestPictures.Picture]
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
  /// Of each row what stands out in it, pixels of its picture: drawn as boxes where the scale has no threshold
  /// to outline.
  public var regions: [[Region]]?
  /// The words of the command line.
  public var command: [String]

  public init(
    title: String, table: ScoreTable, pictures: [OddestPictures.Picture],
    unreadable: [Unreadable],
    score: String = "nats", tail: Tail = .high, falseAlarmRate: Double, calibration: Calibration,
    scale: HeatScale, command: [String]
  ) {
    self.title = title
    self.table = table
    self.pictures = pictures
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
    let data = PageData(self, threshold: threshold)
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" \
      content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(flaggedCount) of \(table.rows.count) flagged: \(escaped(title))</title>
      <style>
      \(reportStyle)
      </style>
      </head>
      <body>
      \(headline)\(gallery(data))\(scores(histogram))\(unreadableSection)\(method)\(detail)\
      \(data.html)<script>
      \(reportScript)
      </script>
      </body>
      </html>

      """
  }

  /// What is flagged has a p-value of at most this.
  private var threshold: Double {
    guard falseDiscoveryRate != nil else { return falseAlarmRate }
    return table.rows.compactMap(\.verdict).filter(\.flagged).map(\.pValue).max() ?? 0
  }

  /// The highest p-value that is flagged.
  private func rate(among ranks: RankPValue) -> Double {
    guard falseDiscoveryRate != nil else { return falseAlarmRate }
    let least = (tail == .both ? 2 : 1) / Double(ranks.normal.count + 1)
    return min(max(threshold, least), 1 - 1e-9)
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
    let expected = threshold * Double(table.rows.count)
    let figures = [
      (grouped(table.rows.count), "images", ""), (grouped(flaggedCount), "flagged", "count"),
      (grouped(unreadable.count), "unreadable", ""),
      (short(100 * asked.0) + " %", "\(asked.1) rate asked for", ""),
      (
        String(format: expected < 10 ? "%.1f" : "%.0f", expected), "false alarms, were all normal",
        "expected"
      ),
    ]
    let cells = figures.map { figure, name, id in
      "<div><dt>\(name)</dt><dd\(id.isEmpty ? "" : " id=\"\(id)\"")>\(figure)</dd></div>\n"
    }.joined()
    return """
      <header>
      <h1><bdi>\(escaped(title))</bdi></h1>
      <dl class="figures">
      \(cells)</dl>
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
}
