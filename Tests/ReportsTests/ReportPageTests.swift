import Detection
import Foundation
import Images
import Randomness
import Reports
import TestSupport
import Testing

/// The page as people meet it: in a browser, by mouse, keyboard and fragment.
@Suite(.enabled(if: Browser.path != nil, Browser.missing), .serialized)
struct ReportPageTests {
  let folder = TemporaryFolder()
  let browser: Browser

  init() throws { browser = try Browser(in: folder) }

  /// `count` images of which image i has p-value (i + 1) / (count + 1), and the last lies on top in the
  /// table: the page sorts.
  @discardableResult private func write(
    _ count: Int = 400, side: Int = 12, name: (Int) -> String = { "parts/\($0).png" },
    original: String? = nil, rate: Double = 0.05, regions: [[Region]]? = nil
  ) throws -> FlagReport {
    var random = RandomStream(seed: 1, "page")
    let scale = HeatScale.bits(channels: 1)
    var pictures = OddestPictures()
    let rows = (0..<count).reversed().map { index in
      let p = Double(index + 1) / Double(count + 1)
      return ScoreRow(
        path: name(index), nats: 300 - Double(index), bitsPerDimension: 0.5,
        scores: [Double(index % 7)],
        verdict: .init(
          pValue: p, flagged: p <= rate, oddness: -p,
          parts: [.init(score: "typicality", share: 0.7, isHigh: false)]))
    }
    for (place, row) in rows.enumerated() {
      let bits = (0..<side * side).map { _ in Float(random.uniform() * 8) }
      pictures.add(row, at: place) {
        (
          Image(
            height: side, width: side, channels: 1,
            pixels: (0..<side * side).map { UInt8(($0 * 7 + place) % 256) }),
          HeatMap(SurpriseMap(bits: bits, height: side, width: side), scale: scale), original
        )
      }
    }
    var report = FlagReport(
      title: name(0), table: ScoreTable(scoreNames: ["typicality"], rows: rows),
      pictures: pictures.oddestFirst, unreadable: [], falseAlarmRate: rate,
      calibration: try Calibration(scores: ["nats": (1...150).map(Double.init)], data: "normal"),
      scale: scale, command: ["scanline"])
    report.regions = regions
    try report.write(to: folder.file("report.html"))
    return report
  }

  private func show(
    _ fragment: String = "", width: Int = 1280, isDark: Bool = false
  ) throws {
    try browser.show(
      folder.file("report.html"), fragment: fragment, width: width, isDark: isDark)
    // Every picture that is to be seen is drawn.
    try browser.wait(
      for: "[...document.querySelectorAll('#gallery canvas')].every(c => c.dataset.view)")
  }

  private func text(_ id: String) throws -> String {
    try browser.value(of: "document.getElementById('\(id)').textContent") as? String ?? "?"
  }

  private func names() throws -> [String] {
    try browser.value(of: "[...document.querySelectorAll('.name')].map(e => e.textContent)")
      as? [String] ?? []
  }

  private var focused: String {
    get throws {
      try browser.value(of: "document.activeElement.querySelector('.name')?.textContent ?? ''")
        as? String ?? "?"
    }
  }

  private func expectNothingWentWrong() {
    #expect(browser.errors.isEmpty && browser.requests.isEmpty)
  }

  @Test func showsTheOddestFirstAndLoadsNothing() throws {
    try write()
    try show()
    #expect(try names() == (0..<60).map { "\($0).png" })
    #expect(
      try browser.value(of: "document.querySelectorAll('.card.flagged').length") as? Int == 20)
    #expect(try text("count") == "20" && text("expected") == "20")
    #expect(try text("status").hasPrefix("At p ≤ 0.05, 20 of 400 images are flagged."))
    expectNothingWentWrong()
  }

  @Test func theThresholdIsMovedByKeysAndByNumber() throws {
    try write()
    try show("#threshold=0.2")
    #expect(try text("count") == "80" && text("expected") == "80")
    #expect(
      try browser.value(of: "document.querySelectorAll('.card.flagged').length") as? Int == 60)
    try browser.value(of: "document.getElementById('threshold').focus()")
    for _ in 0..<5 { try browser.press("ArrowRight") }
    #expect(try Int(text("count")).map { $0 > 80 } == true)
    try browser.press("Home")
    #expect(try text("count") == "1")
    try browser.press("End")
    #expect(try text("count") == "400")
    // What is looked at is in the address.
    #expect(try browser.value(of: "location.hash") as? String == "#threshold=1")
    try browser.value(of: "document.getElementById('asked').click()")
    #expect(try text("count") == "20")
  }

  @Test func pagesAreTurnedByKeys() throws {
    try write()
    try show("#page=2")
    #expect(try names().first == "60.png")
    try browser.value(of: "document.getElementById('back').click()")
    try browser.value(of: "document.querySelector('.card').focus()")
    for key in ["ArrowRight", "ArrowRight", "ArrowLeft"] { try browser.press(key) }
    #expect(try focused == "1.png")
    try browser.press("PageDown")
    #expect(try focused == "61.png" && names().first == "60.png")
    try browser.press("End")
    #expect(try focused == "399.png" && names().count == 40)
    for key in ["Home", "ArrowDown", "ArrowUp"] { try browser.press(key) }
    #expect(try focused == "0.png")
    // Past the end of a page comes the next.
    try browser.value(of: "[...document.querySelectorAll('.card')].at(-1).click()")
    try browser.press("ArrowRight")
    #expect(try text("name") == "parts/60.png")
  }

  @Test func anImageIsOpenedLookedAtAndClosedByKeys() throws {
    try write(original: "../in/a.png")
    try show()
    try browser.value(of: "document.querySelector('.card').focus()")
    try browser.press("ArrowRight")
    #expect(
      try browser.value(of: "document.activeElement.matches(':focus-visible')") as? Bool == true)
    try browser.press("Enter")
    #expect(try browser.value(of: "document.getElementById('detail').open") as? Bool == true)
    #expect(try text("name") == "parts/1.png" && text("place") == "2 of 400")
    #expect(try text("parts") == "typicality low70 %")
    #expect(try text("numbers").contains("p-value0.004988nats299"))
    #expect(try browser.value(of: "document.getElementById('original').href") as? String != "")
    try browser.press("ArrowRight")
    #expect(try text("name") == "parts/2.png")
    // Each view is another picture.
    var pictures: Set<String> = []
    for (key, view) in [("1", "image"), ("2", "overlay"), ("3", "map")] {
      try browser.press(key)
      try browser.wait(for: "document.getElementById('large').dataset.view === '\(view)'")
      let drawn = try browser.value(of: "document.getElementById('large').toDataURL()")
      pictures.insert(try #require(drawn as? String))
    }
    #expect(pictures.count == 3)
    try browser.press("Escape")
    try browser.wait(for: "!document.getElementById('detail').open")
    try browser.wait(for: "document.activeElement.classList.contains('card')")
    #expect(try focused == "2.png")
    expectNothingWentWrong()
  }

  /// Boxes stand on the map of the image that they are of, and on no image as it is.
  @Test func whatStandsOutIsBoxed() throws {
    // The table is from the back: its last row is the oddest image.
    let box = Region(x: 3, y: 4, width: 5, height: 2, area: 10, peak: 9, peakX: 3, peakY: 4)
    try write(20, regions: [[Region]](repeating: [], count: 19) + [[box]])
    func corner(of place: Int, view: String) throws -> [Int] {
      try show("#view=\(view)")
      try browser.value(of: "document.querySelectorAll('.card')[\(place)].click()")
      try browser.wait(for: "document.getElementById('large').dataset.view === '\(view)'")
      // The picture is enlarged by 53.
      return try #require(
        browser.value(
          of: """
            Array.from(document.getElementById('large').getContext('2d')
              .getImageData(3 * 53, 5 * 53, 1, 1).data)
            """) as? [Int])
    }
    func isLight(_ colour: [Int]) -> Bool { colour.allSatisfy { $0 > 220 } }
    #expect(try isLight(corner(of: 0, view: "map")) && isLight(corner(of: 0, view: "overlay")))
    #expect(try !isLight(corner(of: 0, view: "image")) && !isLight(corner(of: 1, view: "map")))
    expectNothingWentWrong()
  }

  /// The picture is the one of its row, whatever its sheet; of the map, its colours.
  @Test func picturesBelongToTheirRows() throws {
    try write(130)
    try show("#page=3&view=map")
    let pixel = """
      Array.from(document.querySelectorAll('.card canvas')[4].getContext('2d').getImageData(1, 0, 1, 1).data)
      """
    let map = try #require(try browser.value(of: pixel) as? [Int])
    let table = ColourMap.table.map { [Int($0.red), Int($0.green), Int($0.blue)] }
    #expect(table.contains(Array(map[..<3])))
    try show("#page=3")
    // Image 124 stands at place 129 − 124 = 5 of the table: its second pixel is 7 + 5.
    #expect(try names()[4] == "124.png")
    #expect(try browser.value(of: pixel) as? [Int] == [12, 12, 12, 255])
  }

  @Test func sortsAndFinds() throws {
    try write()
    try show("#sort=3")
    // Flagged ones stay first, then by typicality, the highest first.
    #expect(try names().prefix(4) == ["6.png", "13.png", "5.png", "12.png"])
    try show("#only=true")
    #expect(try names().count == 20)
    try show("#find=39")
    #expect(
      try names() == ["39.png", "139.png", "239.png", "339.png"] + (390...399).map { "\($0).png" })
    #expect(try text("listed") == "14 images")
    try show("#find=nothing")
    #expect(try names().isEmpty)
    expectNothingWentWrong()
  }

  @Test(arguments: [390, 320])
  func fitsATelephone(width: Int) throws {
    try write(
      side: 100, name: { "a folder/\(String(repeating: "long-name-", count: 12))\($0).png" })
    for fragment in ["", "#open=1"] {
      try show(fragment, width: width)
      let wide = try browser.value(
        of:
          "Math.max(document.documentElement.scrollWidth, document.getElementById('detail').scrollWidth)"
      )
      #expect(wide as? Int == width)
    }
  }

  @Test func isDarkInTheDark() throws {
    try write(20)
    for isDark in [false, true] {
      try show(isDark: isDark)
      let picture = try Image.decode(try browser.screenshot(), name: "screen")
      #expect((picture.pixels[0] < 60) == isDark)
    }
  }

  @Test func namesAreTextAndNoMore() throws {
    for name in [
      "</script><script>document.title = 'owned'</script>.png", "<!--<script>.png",
      "\"'`${1}\\u0041\\.png", "🦊 naïve é.png", "\u{202E}gnp.exe\u{2066}.png", "a\nb\t\u{1}.png",
      "<img src=x onerror=\"document.title='owned'\">.png", "\u{2028}\u{2029}.png",
    ] {
      try write(3, name: { _ in name })
      try show("#open=1")
      let shown = name.unicodeScalars.map { scalar in
        scalar.value < 32 ? Unicode.Scalar(0x2400 + scalar.value)! : scalar
      }
      #expect(Array(try text("name").unicodeScalars) == shown)
      #expect(try browser.value(of: "document.title.startsWith('0 of 3 flagged')") as? Bool == true)
      #expect(try browser.value(of: "document.querySelectorAll('img[src=x]').length") as? Int == 0)
    }
    expectNothingWentWrong()
  }

  /// All controls have names, and what is not text says what it is.
  @Test func hasAccessibleNames() throws {
    try write(70)
    try show("#open=1")
    let tree = try browser.call("Accessibility.getFullAXTree")
    let nodes = try #require(tree["nodes"] as? [[String: Any]])
    func value(_ node: [String: Any], _ key: String) -> String {
      (node[key] as? [String: Any])?["value"] as? String ?? ""
    }
    var kinds: Set<String> = []
    for node in nodes where node["ignored"] as? Bool == false {
      let role = value(node, "role")
      guard
        [
          "button", "slider", "spinbutton", "checkbox", "combobox", "searchbox", "image", "img",
          "dialog", "meter",
        ].contains(role)
      else { continue }
      kinds.insert(role)
      #expect(!value(node, "name").isEmpty, "a \(role) without a name")
    }
    #expect(kinds.contains("dialog") && kinds.contains("button"), "\(kinds)")
    try show()
    let open = try browser.call("Accessibility.getFullAXTree")["nodes"] as? [[String: Any]] ?? []
    let names = open.map { value($0, "name") }
    #expect(names.contains("parts/0.png, p-value 0.01408, flagged"))
    for role in ["slider", "spinbutton", "checkbox", "combobox", "searchbox"] {
      let found = open.filter { value($0, "role") == role }
      #expect(!found.isEmpty && found.allSatisfy { !value($0, "name").isEmpty }, "\(role)")
    }
  }

  @Test func tenThousandImagesAreSmallAndQuick() throws {
    try write(10_500, side: 28)
    let bytes = try bytes(of: folder.file("report.html")).count
    #expect(bytes < 16_000_000, "\(bytes)")
    try show("#page=167")
    #expect(try text("pages") == "of 167" && names().count == 40)
    #expect(try text("count") == "525")
    try show("#threshold=1")
    // All are counted, whether listed or not.
    #expect(try text("count") == "10,500")
    expectNothingWentWrong()
  }
}
