import Detection
import Foundation
import Randomness
import Reports
import TestSupport
import Testing

@Suite struct ROCCurveTests {
  @Test func areaIsTheAUROC() throws {
    var random = RandomStream(seed: 1, "curve")
    for levels in [2, 10, 1000] {
      let normal = (0..<300).map { _ in Double(random.integer(below: levels)) }
      let odd = (0..<200).map { _ in Double(random.integer(below: levels)) + 1 }
      let curve = ROCCurve(normal: normal, odd: odd)
      let metrics = try DetectionMetrics(normal: normal, odd: odd)
      #expect(abs(curve.area - metrics.auroc) < 1e-12)
      #expect(curve.points.first == .init(falsePositives: 0, truePositives: 0))
      #expect(curve.points.last == .init(falsePositives: 1, truePositives: 1))
    }
    let infinite = Double.infinity
    #expect(ROCCurve(normal: [infinite, 1], odd: [infinite, -infinite]).area == 0.375)
  }
}

@Suite struct PlotTests {
  /// Parses as XML, and shows nothing that is no number.
  private func expectSound(_ svg: String) throws {
    #expect(!svg.contains("nan") && !svg.contains("inf\""))
    let folder = TemporaryFolder()
    let file = folder.write(Array(svg.utf8), to: "plot.svg")
    let shell = try Shell(
      "python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' \"$0\"", [file],
      in: folder.path)
    #expect(try shell.end() == 0, "\(shell.text("error"))")
  }

  @Test func rocPlotsNameTheirSetsAndAreas() throws {
    let curve = ROCCurve(normal: [1, 2, 3], odd: [2.5, 4])
    let other = ROCCurve(normal: [1, 2, 3], odd: [0, 4])
    let svg = ROCPlot(
      title: "a <b> & \"c\"",
      series: [
        .init(name: "odd & <ends>", curves: [curve, other]), .init(name: "one", curves: [curve]),
      ]
    ).svg
    try expectSound(svg)
    #expect(svg.contains("odd &amp; &lt;ends&gt;: AUROC 0.667, mean of 2 runs"))
    #expect(svg.contains("one: AUROC 0.833</text>"))
    #expect(svg.contains("normal images flagged") && svg.contains("odd images flagged"))
    #expect(svg.contains("prefers-color-scheme: dark"))
    // Corners of the curve: none flagged is the lower left, all the upper right.
    #expect(svg.contains("d=\"M72 524L72 284L232 284L232 44L392 44L552 44\""))
  }

  @Test func aLongCurveIsThinned() throws {
    var random = RandomStream(seed: 1, "curve")
    let normal = (0..<20_000).map { _ in random.uniform() }
    let odd = (0..<20_000).map { _ in random.uniform() + 0.3 }
    let svg = ROCPlot(
      title: "t", series: [.init(name: "n", curves: [ROCCurve(normal: normal, odd: odd)])]
    ).svg
    #expect(svg.utf8.count < 60_000)
    try expectSound(svg)
  }

  @Test func scoresAreDrawnWhateverTheyAre() throws {
    let infinite = Double.infinity
    let cases: [[Double]] = [
      [1, 2, 3, 4], [5, 5, 5], [.nan, infinite, -infinite], [-1.7e308, 1.7e308], [1e17, 1e17 + 16],
      [],
    ]
    for values in cases {
      for normal in [[1.0, 1, 2], values] where !normal.isEmpty {
        let svg = ScoresPlot(
          title: "t", label: "verdict, nats", normal: normal, others: [("set", values), ("b", [1])]
        ).svg
        try expectSound(svg)
        #expect(svg.contains("verdict, nats") && svg.contains(">set, \(values.count)</text>"))
      }
    }
  }
}

@Suite struct CurvesPlotTests {
  private func plot(_ values: [[Double]], target: Double? = nil) -> CurvesPlot {
    CurvesPlot(
      title: "t", xLabel: "x", yLabel: "y",
      series: values.enumerated().map { place, values in
        CurvesPlot.Series(
          name: "run \(place)",
          points: values.enumerated().map { CurvesPlot.Point(x: Double($0 + 1), y: $1) })
      }, target: target)
  }

  @Test func bestAndWhenATargetIsReached() {
    let series = plot([[9, 5, 4, 6]]).series[0]
    #expect(series.best == 4)
    #expect(series.reaches(5) == 2 && series.reaches(3.9) == nil)
  }

  /// 20 epochs, the first far above all others: it does not squeeze the rest.
  @Test func theBeginningIsCutOff() throws {
    let falling = [500] + (0..<19).map { 100 - Double($0) }
    let svg = plot([falling, falling.map { $0 + 1 }]).svg
    let path = try #require(svg.split(separator: "\n").first { $0.contains("curve colour-0") })
    // From the upper edge, in the width of the plot, to the lowest point.
    #expect(path.contains(" 44L"))
    #expect(path.split(separator: "L").count > 15)
    #expect(!svg.contains(">500<") && svg.contains(">90<"))
  }

  @Test func whateverTheValuesItIsSound() {
    for values in [[[1.0]], [[0, 0]], [[-5, -5, -5]], [[1e300, 1]], [[3], [1e-9, 2, 5]]] {
      let svg = plot(values, target: values[0][0]).svg
      #expect(!svg.contains("nan") && !svg.contains("inf"))
      #expect(svg.hasPrefix(CurvesPlot.beginning) && svg.hasSuffix("</svg>\n"))
    }
  }
}
