import Detection
import Foundation
import Images
import Reports
import Testing

@Suite struct FlagReportTests {
  static let hostile = "<script>alert('1')</script>&\"\u{202E}\n.png"

  func report(
    flagged count: Int = 3, scores: [Double] = [], normal: [Double]? = nil,
    name: String = hostile, heldOut: Bool? = true
  ) throws -> FlagReport {
    let rows =
      (0..<count).map { index in
        ScoreRow(
          path: name, nats: 300 - Double(index), bitsPerDimension: 0.5,
          verdict: .init(pValue: 0.01, flagged: true))
      }
      + ([1.0, 40, 99] + scores).map {
        ScoreRow(
          path: name, nats: $0, bitsPerDimension: 0.1, verdict: .init(pValue: 0.5, flagged: false))
      }
    let picture = Image(height: 2, width: 2, channels: 1, pixels: [0, 80, 160, 255])
    let scale = HeatScale.bits(channels: 1)
    let heat = HeatMap(SurpriseMap(bits: [0, 1, 2, 9], width: 2, height: 2), scale: scale)
    return FlagReport(
      title: name, table: ScoreTable(rows: rows),
      flagged: rows.prefix(count).map { .init(row: $0, image: picture, heat: heat) },
      unreadable: [.init(path: name, reason: name)], falseAlarmRate: 0.01,
      calibration: try Calibration(
        scores: ["nats": normal ?? (1...150).map(Double.init)], data: name, heldOut: heldOut),
      scale: scale, command: ["scanline", "flag", name])
  }

  @Test func escapesEveryName() throws {
    let html = try report().html()
    #expect(!html.contains("<script") && !html.contains("alert('1')"))
    #expect(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;"))
    #expect(!html.contains("\n.png"), "a line end in a name is shown, not obeyed")
    // Every tag in the page is one that the report itself makes.
    let tags = Set(html.matches(of: /<\/?([a-z0-9]+)/).map { String($0.1) })
    let known = [
      "html", "head", "meta", "title", "style", "body", "header", "section", "h1", "h2", "p", "dl",
      "div", "dt", "dd", "span", "svg", "path", "text", "table", "thead", "tbody", "tr", "th", "td",
      "img", "bdi", "pre",
    ]
    #expect(tags.subtracting(known).isEmpty)
  }

  @Test func loadsNothing() throws {
    let html = try report(name: "a.png").html()
    #expect(!html.contains("http:") && !html.contains("https:") && !html.contains("url("))
    #expect(!html.contains("href") && !html.contains("@import") && !html.contains("<link"))
    let sources = html.matches(of: /src="([^"]*)"/).map { String($0.1) }
    #expect(sources.count == 7, "two pictures a flagged image, and the colour bar")
    let prefix = "data:image/png;base64,"
    for source in sources {
      #expect(source.hasPrefix(prefix))
      let png = try #require(Data(base64Encoded: String(source.dropFirst(prefix.count))))
      #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    }
  }

  @Test func leadsToTheOriginals() throws {
    var page = try report(name: "a.png")
    page.flagged[1].original = "../in%20coming/a.png"
    let html = try page.html()
    #expect(html.matches(of: /<a\s/).count == 1)
    #expect(html.contains("<a href=\"../in%20coming/a.png\"><bdi>a.png</bdi></a>"))
  }

  @Test func everyElementIsClosed() throws {
    for page in [try report(), try report(flagged: 0), try report(scores: [.nan, .infinity])] {
      var open: [String] = []
      for tag in try page.html().matches(of: /<(\/?)([a-z0-9]+)[^>]*?(\/?)>/) {
        let name = String(tag.2)
        if ["meta", "img"].contains(name) || !tag.3.isEmpty { continue }
        if tag.1.isEmpty { open.append(name) } else { #expect(open.popLast() == name) }
      }
      #expect(open.isEmpty)
    }
  }

  @Test func tellsTheFigures() throws {
    let html = try report(scores: [Double](repeating: 50, count: 94)).html()
    for figure in [
      "<dt>images</dt><dd>100</dd>", "<dt>flagged</dt><dd>3</dd>", "<dt>unreadable</dt><dd>1</dd>",
      "<dd>1 %</dd>", "<dd>1.0</dd>", "threshold 150", "150 held-out normal images",
      "<td class=\"number\" data-label=\"nats\">299.0</td>", "≥ 8",
    ] {
      #expect(html.contains(figure), "the page lacks \(figure)")
    }
    #expect(!html.contains("are shown"))
    // Held out only where it is known.
    for heldOut in [false, nil] {
      let html = try report(heldOut: heldOut).html()
      #expect(html.contains("150 normal images") && !html.contains("held-out"))
    }
  }

  @Test func isBoundedAndSaysSo() throws {
    let html = try report(flagged: 230).html()
    #expect(html.matches(of: /alt="surprise"/).count == 200)
    #expect(html.contains("The first 200 of 230 are shown."))
  }

  @Test func drawsWhateverTheScoresAre() throws {
    let same = [Double](repeating: 5, count: 150)
    let impossible = [Double](repeating: .infinity, count: 150)
    let vast = (0..<150).map { $0 % 2 == 0 ? -1.7e308 : 1.7e308 }
    let close = (0..<150).map { 1e17 + Double($0) }
    for normal in [same, impossible, vast, close] {
      let html = try report(scores: [.nan, .infinity, -.infinity, 1e300], normal: normal).html()
      let drawing = html.firstMatch(of: /<svg.*<\/svg>/.dotMatchesNewlines())?.0 ?? ""
      #expect(!drawing.contains("nan") && !drawing.contains("inf"))
    }
    #expect(try report(scores: [1e6, -.infinity]).html().contains("1 lower, 1 higher."))
  }

  @Test func refusesWhatItCannotStandFor() throws {
    #expect(
      throws: DetectionError.tooFewNormalImages(falseAlarmRate: 0.01, needed: 99, found: 98)
    ) {
      try report(normal: [Double](repeating: 1, count: 98)).html()
    }
    var other = try report()
    other.score = "typicality"
    #expect(throws: DetectionError.self) { try other.html() }
  }

  @Test func quotesTheCommand() throws {
    var page = try report(name: "a.png")
    page.command = ["scanline", "flag", "my parts", "it's", "--false-alarm-rate", "0.01"]
    #expect(
      try page.html().contains(
        "<pre>scanline flag &#39;my parts&#39; &#39;it&#39;\\&#39;&#39;s&#39; --false-alarm-rate 0.01"
      ))
  }
}
