import Detection
import Foundation
import Images
import Randomness
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
    let heat = HeatMap(SurpriseMap(bits: [0, 1, 2, 9], height: 2, width: 2), scale: scale)
    return FlagReport(
      title: name, table: ScoreTable(rows: rows),
      pictures: (0..<count).map { .init(row: $0, image: picture, heat: heat) },
      unreadable: [.init(path: name, reason: name)], falseAlarmRate: 0.01,
      calibration: try Calibration(
        scores: ["nats": normal ?? (1...150).map(Double.init)], data: name, heldOut: heldOut),
      scale: scale, command: ["scanline", "flag", name])
  }

  /// What the page's script is given: inert elements by their names.
  private func data(of html: String) -> [String: String] {
    let elements = html.matches(of: /<script type="[a-z\/]*" id="([a-z0-9-]*)">([^<]*)<\/script>/)
    return Dictionary(uniqueKeysWithValues: elements.map { (String($0.1), String($0.2)) })
  }

  private func rows(of html: String) throws -> [[Any]] {
    let json = try #require(data(of: html)["data"])
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    return try #require(object?["rows"] as? [[Any]])
  }

  @Test func escapesEveryName() throws {
    let html = try report().html()
    #expect(!html.contains("<script>alert") && !html.contains("alert('1')</script"))
    #expect(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;"))
    #expect(!html.contains("\n.png"), "a line end in a name is shown, not obeyed")
    #expect(try rows(of: html).allSatisfy { $0[0] as? String == Self.hostile })
    // Every tag in the page is one that the report itself makes.
    let script = try #require(html.range(of: "<script>\n"))
    let tags = Set(html[..<script.lowerBound].matches(of: /<\/?([a-z0-9]+)/).map { String($0.1) })
    let known = [
      "html", "head", "meta", "title", "style", "body", "header", "section", "h1", "h2", "h3", "p",
      "dl", "div", "dt", "dd", "span", "svg", "path", "text", "table", "thead", "tbody", "tr", "th",
      "td", "img", "bdi", "pre", "a", "button", "canvas", "dialog", "footer", "input", "label",
      "nav", "noscript", "ol", "output", "script", "select",
    ]
    #expect(tags.subtracting(known).isEmpty, "\(tags.subtracting(known))")
    #expect(html.matches(of: /<\/script>/).count == 1 + data(of: html).count)
  }

  @Test func loadsNothing() throws {
    let html = try report(name: "a.png").html()
    #expect(!html.contains("http:") && !html.contains("https:") && !html.contains("url("))
    #expect(!html.contains("href=") && !html.contains("@import") && !html.contains("<link"))
    let prefix = "data:image/png;base64,"
    let sources = html.matches(of: /src="([^"]*)"/).map { String($0.1) }
    #expect(sources.count == 1 && sources[0].hasPrefix(prefix), "the colour bar")
    // One below the other: three pictures, and three maps.
    for name in ["image-0", "map-0"] {
      let text = try #require(data(of: html)[name])
      let png = try #require(Data(base64Encoded: text))
      let sheet = try Image.decode(Array(png), name: name)
      #expect(sheet.width == 2 && sheet.height == 6)
    }
  }

  @Test func leadsToTheOriginals() throws {
    var page = try report(name: "a.png")
    page.pictures[1].original = "../in%20coming/a.png"
    let links = try rows(of: page.html()).map { $0[3] as? String }
    #expect(links == [nil, "../in%20coming/a.png", nil, nil, nil, nil])
  }

  @Test func everyElementIsClosed() throws {
    for page in [try report(), try report(flagged: 0), try report(scores: [.nan, .infinity])] {
      var open: [String] = []
      let html = try page.html()
      let script = try #require(html.range(of: "<script>\n")).upperBound
      let end = try #require(html.range(of: "</script>\n</body>")).lowerBound
      for tag in (html[..<script] + html[end...]).matches(of: /<(\/?)([a-z0-9]+)[^>]*?(\/?)>/) {
        let name = String(tag.2)
        if ["meta", "img", "input"].contains(name) || !tag.3.isEmpty { continue }
        if tag.1.isEmpty { open.append(name) } else { #expect(open.popLast() == name) }
      }
      #expect(open.isEmpty)
    }
  }

  @Test func tellsTheFigures() throws {
    let html = try report(scores: [Double](repeating: 50, count: 94)).html()
    for figure in [
      "<dt>images</dt><dd>100</dd>", "<dt>flagged</dt><dd id=\"count\">3</dd>",
      "<dt>unreadable</dt><dd>1</dd>", "<dd>1 %</dd>", "<dd id=\"expected\">1.0</dd>",
      "threshold 150", "150 held-out normal images", "[0.01,299,0.5]", "≥ 8",
      "\"counts\":[[0.01,3],[0.5,97]]",
    ] {
      #expect(html.contains(figure), "the page lacks \(figure)")
    }
    #expect(html.contains("It has pictures of 3 of them."))
    // Held out only where it is known.
    for heldOut in [false, nil] {
      let html = try report(heldOut: heldOut).html()
      #expect(html.contains("150 normal images") && !html.contains("held-out"))
    }
  }

  @Test func isBoundedAndSaysSo() throws {
    // Pictures that no file makes smaller.
    var random = RandomStream(seed: 1, "noise")
    func noise(_ side: Int) -> Image {
      Image(
        height: side, width: side, channels: 3,
        pixels: (0..<3 * side * side).map { _ in UInt8(random.integer(below: 256)) })
    }
    var pictures = OddestPictures()
    let rows = (0..<11_000).map { index in
      ScoreRow(
        path: "\(index).png", nats: Double(index), bitsPerDimension: 1,
        verdict: .init(pValue: 0.5, flagged: false))
    }
    // Seven in turn: no file's memory goes back so far.
    let small = (0..<7).map { _ in noise(64) }
    let large = noise(320)
    for (index, row) in rows.enumerated() {
      pictures.add(row, at: index) { (row.nats >= 10_900 ? large : small[index % 7], nil, nil) }
    }
    var page = try report()
    page.table = ScoreTable(rows: rows)
    page.pictures = pictures.oddestFirst
    // In memory too, of the oddest, in their order.
    #expect(page.pictures.reduce(0) { $0 + $1.image.pixels.count } < 100 << 20)
    #expect(page.pictures.map(\.row) == Array((0..<11_000).reversed().prefix(page.pictures.count)))
    let html = try page.html()
    #expect(html.utf8.count < 16_000_000)
    #expect(html.contains("It lists the 10,000 oddest of 11,000 images; scores.csv lists all."))
    let found = html.firstMatch(
      of: /It has pictures of ([0-9,]+) of them. It has larger pictures of the ([0-9]+) oddest/)
    let counts = try #require(found)
    #expect((100...1_000).contains(try #require(Int(counts.1))))
    #expect((5..<100).contains(try #require(Int(counts.2))))
    let some = try self.rows(of: html)
    #expect(some[0][5] is [Any] && some[some.count - 1][4] as? Int == 0)
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
