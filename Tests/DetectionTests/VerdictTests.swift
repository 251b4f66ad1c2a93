import Detection
import Foundation
import Randomness
import TestSupport
import Testing

@Suite struct VerdictTests {
  private let sides: [Tail] = [.both, .both, .high]

  /// Three scores that go together: the second is nearly the first, the third counts on one side.
  private func vectors(_ count: Int, seed: UInt64) -> [[Double]] {
    let (a, b, c) = (
      draws(count, seed: seed, "a"), draws(count, seed: seed, "b"), draws(count, seed: seed, "c")
    )
    return (0..<count).map { i in
      // Not normal, on scales of their own.
      [100 * exp(a[i]), -(a[i] + 0.3 * b[i]), c[i] * c[i]]
    }
  }

  /// The copula written out: normal scores by the tails, their mean and covariance, its inverse.
  @Test func copulaIsItsDefinition() {
    // Too few for more than one kind.
    let normal = vectors(110, seed: 1)
    let model = OneClass(fitting: normal, sides)
    let tails = sides.indices.map { j in Tails(of: normal.map { $0[j] }) }
    func score(_ x: [Double]) -> [Double] {
      sides.indices.map { tails[$0].normalScore(of: x[$0], sides[$0]) }
    }
    let z = normal.map(score)
    let mean = sides.indices.map { j in z.reduce(0) { $0 + $1[j] } / 110 }
    func covariance(_ i: Int, _ j: Int) -> Double {
      let raw = z.reduce(0) { $0 + ($1[i] - mean[i]) * ($1[j] - mean[j]) } / 109
      return i == j ? raw + 1e-3 : 0.95 * raw
    }
    let (a, b, c) = (covariance(0, 0), covariance(0, 1), covariance(0, 2))
    let (d, e, f) = (covariance(1, 1), covariance(1, 2), covariance(2, 2))
    let determinant = a * (d * f - e * e) - b * (b * f - c * e) + c * (b * e - c * d)
    let inverse = [
      [d * f - e * e, c * e - b * f, b * e - c * d],
      [c * e - b * f, a * f - c * c, b * c - a * e],
      [b * e - c * d, b * c - a * e, a * d - b * b],
    ].map { $0.map { $0 / determinant } }
    for x in vectors(20, seed: 2) + [[1e6, 0, 0], [100, 3, 0], [100, 0, 900]] {
      let y = zip(score(x), mean).map { $0 - $1 }
      let parts = sides.indices.map { i in
        y[i] * (0..<3).reduce(0) { $0 + inverse[i][$1] * y[$1] }
      }
      let found = model.opinion(on: x).parts
      for i in sides.indices {
        #expect(abs(found[i].share - parts[i]) < 1e-8 * (1 + abs(parts[i])))
      }
      let whole = parts.reduce(0, +)
      #expect(abs(model.oddness(of: x) - whole) < 1e-8 * (1 + whole) && whole >= 0)
    }
    // What goes against its fellow is odd, though each alone is ordinary.
    #expect(
      model.oddness(of: [100 * exp(1.2), 1.2, 0.2]) > 3
        * model.oddness(of: [100 * exp(1.2), -1.2, 0.2]))
  }

  /// Vectors of two kinds: two numbers are nearly the same in one and nearly opposite in the other, so that
  /// together they have no correlation at all.
  private func twoKinds(_ count: Int, seed: UInt64) -> [[Double]] {
    let (a, b) = (draws(count, seed: seed, "a"), draws(count, seed: seed, "b"))
    return (0..<count).map { i in
      let sign = i % 2 == 0 ? 1.0 : -1
      return [a[i], sign * a[i] + 0.1 * b[i], b[i]]
    }
  }

  @Test func whatIsOfNoKindIsOdd() {
    let model = OneClass(fitting: twoKinds(4000, seed: 1), [.both, .both, .both])
    let normal = twoKinds(400, seed: 2).map(model.oddness(of:)).sorted()
    // Ordinary in each number by itself, and to one covariance of all.
    for odd in [[1.5, 0, 0], [0, 1.5, 0], [-1.5, 0, 0.5]] {
      #expect(model.oddness(of: odd) > normal[396], "\(odd)")
    }
    for ordinary in [[1, 1, 0], [1, -1, 0], [-1, 1, 0.5]] {
      #expect(model.oddness(of: ordinary) < normal[300], "\(ordinary)")
    }
    #expect(normal[0] > -1)
  }

  /// Odd images among the normal ones, 1, 2 or 5 in a hundred, make no kind of their own.
  @Test(arguments: [40, 80, 200]) func aFewOddOnesAreNoKind(odd: Int) {
    let strange = (0..<odd).map { (i: Int) -> [Double] in
      [1.5 + 0.01 * Double(i % 7), 0.01 * Double(i % 5), 0]
    }
    let clean = twoKinds(4000 - odd, seed: 3)
    let model = OneClass(fitting: clean + strange, [.both, .both, .both])
    let normal = twoKinds(1000, seed: 4).map(model.oddness(of:)).sorted()
    // A kind of their own would have them among its most ordinary.
    #expect(model.oddness(of: [1.52, 0.02, 0]) > normal[500])
  }

  /// What is only less likely than normal images, or more likely, is found about as well as by its likelihood
  /// alone.
  @Test func likelihoodCountsOnceMoreByItself() throws {
    let normal = vectors(400, seed: 1)
    let plain = OneClass(fitting: normal, sides)
    let model = OneClass(fitting: normal, sides, likelihood: 0)
    let distances = Tails(of: normal.map(plain.oddness(of:)))
    let likelihoods = Tails(of: normal.map { $0[0] })
    for x in vectors(20, seed: 2) + [[1e4, -4.6, 0.2], [0.1, 3, 9], [-1e3, 0, 0.3]] {
      let (d, u) = (distances.upper(at: plain.oddness(of: x)), likelihoods.upper(at: x[0]))
      let (far, low) = (max(0, u - 3), max(0, likelihoods.lower(at: x[0]) - 2))
      let found = model.opinion(on: x)
      #expect(
        abs(found.oddness - (d * d + u * u / 3 + far * far + low * low).squareRoot()) < 1e-9)
      #expect(abs(model.oddness(of: x) - found.oddness) < 1e-12)
    }
    // Ten more scores of which none is odd: the first alone is high, by what one of a hundred has.
    func many(_ count: Int, _ seed: UInt64, shift: Double) -> [[Double]] {
      let columns = (0..<11).map { draws(count, seed: seed, "\($0)") }
      return (0..<count).map { i in columns.indices.map { columns[$0][i] + ($0 == 0 ? shift : 0) } }
    }
    func auroc(_ likelihood: Int?, _ shift: Double) throws -> Double {
      let model = OneClass(
        fitting: many(1000, 3, shift: 0), [Tail](repeating: .both, count: 11),
        likelihood: likelihood)
      return try DetectionMetrics(
        normal: many(1000, 4, shift: 0).map(model.oddness(of:)),
        odd: many(1000, 5, shift: shift).map(model.oddness(of:))
      ).auroc
    }
    for shift in [-2, 1.5] {
      #expect(try auroc(0, shift) > auroc(nil, shift) + 0.03, "\(shift)")
    }
  }

  @Test func fewImagesAddTheirDepths() {
    let normal = vectors(40, seed: 1)
    let model = OneClass(fitting: normal, sides)
    let x = [1e4, 0.1, 0]
    let expected = sides.indices.reduce(0.0) { sum, j in
      let tails = Tails(of: normal.map { $0[j] })
      return sum + max(0, tails.oddness(of: x[j], sides[j]) - M_LN2)
    }
    #expect(abs(model.oddness(of: x) - expected) < 1e-12)
  }

  /// p-values by their definition: every image ranked by the model of its fold.
  @Test func pValuesCountThoseAsOddInEachFold() {
    let normal = vectors(203, seed: 3)
    let verdict = ConformalVerdict(normal, sides, groups: Array(0..<203))
    #expect(verdict.count == 203)
    let far = verdict.verdict(on: [1e9, 1e9, 1e9])
    #expect(far.pValue == 1.0 / 204)
    let middle = verdict.verdict(on: [100, 0, 0.45])
    #expect(middle.pValue > 0.5 && middle.oddness < far.oddness)
    let shares = far.parts.reduce(0) { $0 + $1.share }
    #expect(abs(shares - far.oddness) < 0.01 * far.oddness)
    #expect(abs(far.parts[0].normalScore) > 5)
  }

  /// Normal images' p-values are uniform and their alarms as often as asked for, with few and with many
  /// to learn from.
  @Test(arguments: [60, 100, 400, 2_400])
  func alarmsAreAsOftenAsAskedFor(count: Int) {
    let (sets, fresh) = (count > 1_000 ? 6 : 25, 200)
    var pValues: [Double] = []
    for set in 0..<sets {
      let verdict = ConformalVerdict(
        vectors(count, seed: UInt64(100 + set)), sides, groups: Array(0..<count))
      pValues += vectors(fresh, seed: UInt64(9_000 + set)).map { verdict.verdict(on: $0).pValue }
    }
    let trials = pValues.count
    for rate in [0.2, 0.1, 0.05] {
      let alarms = pValues.count { $0 <= rate }
      let realised = Double(alarms) / Double(trials)
      // The draw of the normal images scatters the rate as well.
      let variance =
        rate * (1 - rate) * (1 / Double(trials) + 1 / Double(sets * min(count, 1_400)))
      #expect(abs(realised - rate) < 3.5 * variance.squareRoot() + 1 / Double(count + 1), "\(rate)")
    }
    let sorted = pValues.sorted()
    let distance = sorted.enumerated().map { abs(Double($0 + 1) / Double(trials) - $1) }.max()!
    // Kolmogorov–Smirnov at one in a thousand, of both draws.
    #expect(
      distance
        < 1.95 * (1 / Double(trials) + 1 / Double(sets * min(count, 1_400))).squareRoot()
        + 1 / Double(count + 1))
  }

  /// Alike images are never both fitted and ranked: twenty copies of one odd image do not make it normal.
  @Test func groupsStayTogether() {
    let burst = [1e5, -9, 30.0]
    let normal = vectors(200, seed: 4) + [[Double]](repeating: burst, count: 20)
    let together = ConformalVerdict(
      normal, sides, groups: Array(0..<200) + [Int](repeating: 200, count: 20))
    let apart = ConformalVerdict(normal, sides, groups: Array(0..<220))
    // Ranked by a model that has none of them, they are odder than by one that has sixteen.
    #expect(together.normal.max()! > 2 * apart.normal.max()!)
  }

  @Test func ofManyImagesSomeAreFittedAndTheOthersRanked() {
    let verdict = ConformalVerdict(vectors(2_500, seed: 5), sides, groups: Array(0..<2_500))
    #expect(verdict.count == 1_500)
  }
}

/// What judges by it, through a calibration and its file.
@Suite struct JudgeTests {
  private func calibration(_ count: Int, tails: [Tail] = [.both, .high]) throws -> Calibration {
    let (nats, z) = (draws(count, seed: 1, "nats"), draws(count, seed: 1, "z"))
    let values = zip(nats, z).map { [100 + 10 * $0, $1] }
    let vectors = Calibration.Vectors(
      scores: ["nats", "normalised_surprise"], tails: tails, values: values,
      groups: Array(0..<count))
    return try Calibration(
      scores: ["nats": values.map { $0[0] }, "normalised_surprise": z],
      data: "draws", vectors: vectors)
  }

  private func row(_ nats: Double, _ z: Double) -> ScoreRow {
    ScoreRow(path: "a", nats: nats, bitsPerDimension: 1, scores: [z, 0])
  }

  private let columns = ["normalised_surprise", "verdict"]

  @Test func theVerdictIsTheDefaultAndSaysWhy() throws {
    let calibration = try calibration(199)
    let judge = try Judge(calibration, of: columns, falseAlarmRate: 0.01)
    #expect(judge.score == "verdict")
    let low = try judge.verdict(on: row(20, 0.1))
    #expect(low.flagged && low.pValue <= 0.01)
    #expect(low.parts.first?.score == "nats" && low.parts.first?.isHigh == false)
    #expect(low.parts[0].share > 0.9 && low.parts.reduce(0) { $0 + $1.share } <= 1 + 1e-9)
    let high = try judge.verdict(on: row(100, 9))
    #expect(high.flagged && high.parts.first?.score == "normalised_surprise")
    #expect(try !judge.verdict(on: row(101, 0.2)).flagged)
    // A calibration without vectors judges by likelihood, as before.
    let plain = try Calibration(scores: ["nats": calibration.scores["nats"]!], data: "")
    let old = try Judge(plain, of: columns, falseAlarmRate: 0.05)
    #expect(old.score == "nats")
    #expect(try !old.verdict(on: row(20, 0.1)).flagged && old.verdict(on: row(200, 0)).flagged)
  }

  @Test func anotherScoreCountsOnItsOwnSides() throws {
    let calibration = try calibration(199)
    let judge = try Judge(
      calibration, by: "normalised_surprise", of: columns, falseAlarmRate: 0.05)
    #expect(judge.tail == .both)
    for z in [-9.0, 9] {
      let verdict = try judge.verdict(on: row(100, z))
      #expect(verdict.flagged && verdict.pValue == 0.01 && verdict.parts.isEmpty)
    }
    #expect(throws: DetectionError.self) {
      try Judge(calibration, by: "cleverness", of: columns, falseAlarmRate: 0.05)
    }
  }

  @Test func aRateBeyondTheImagesIsRefusedWithTheNumberThatWouldDo() throws {
    let few = try calibration(60)
    #expect(
      throws: DetectionError.tooFewNormalImages(falseAlarmRate: 0.01, needed: 99, found: 60)
    ) { try Judge(few, of: columns, falseAlarmRate: 0.01) }
    // Both tails take twice as many; images that only fit a verdict rank nothing.
    #expect(
      throws: DetectionError.tooFewNormalImages(falseAlarmRate: 0.02, needed: 99, found: 60)
    ) { try Judge(few, by: "normalised_surprise", of: columns, falseAlarmRate: 0.02) }
    let many = try calibration(2_100)
    #expect(
      throws: DetectionError.tooFewNormalImages(
        falseAlarmRate: 1 / 2_000, needed: 2_999, found: 2_100)
    ) { try Judge(many, of: columns, falseAlarmRate: 1 / 2_000) }
  }

  @Test func fileKeepsTheVerdict() throws {
    let folder = TemporaryFolder()
    let path = folder.file("calibration.json")
    let calibration = try calibration(80)
    try calibration.write(to: path)
    #expect(try Calibration(contentsOf: path) == calibration)
    let text = String(decoding: try bytes(of: path), as: UTF8.self)
    put(text.replacingOccurrences(of: #""groups":[0,"#, with: #""groups":["#).utf8, at: path)
    let error = #expect(throws: DetectionError.self) { try Calibration(contentsOf: path) }
    #expect(error!.description.contains("field vectors"))
  }

  /// What is learned from the vectors is kept beside them: the same verdicts to the bit, also where a file
  /// of before has the vectors alone.
  @Test(arguments: [40, 300, 2_100]) func fileKeepsWhatIsLearned(count: Int) throws {
    let folder = TemporaryFolder()
    let path = folder.file("calibration.json")
    let calibration = try calibration(count)
    try calibration.write(to: path)
    var file = try #require(
      JSONSerialization.jsonObject(with: Data(bytes(of: path))) as? [String: Any])
    let read = try Calibration(contentsOf: path)
    file["learned"] = nil
    put(try JSONSerialization.data(withJSONObject: file), at: path)
    for other in [read, try Calibration(contentsOf: path)] {
      let judges = try [calibration, other].map { try Judge($0, of: columns, falseAlarmRate: 0.2) }
      #expect(judges[0].normal == judges[1].normal)
      for (nats, z) in zip(draws(20, seed: 5), draws(20, seed: 6)) {
        let found = try judges.map { try $0.verdict(on: row(100 + 30 * nats, 3 * z)) }
        #expect(found[0] == found[1])
      }
    }
  }

  /// What was learned from other vectors, or is no numbers, is refused by its field.
  @Test func whatDoesNotFitTheVectorsIsRefused() throws {
    let folder = TemporaryFolder()
    let path = folder.file("calibration.json")
    try calibration(300).write(to: path)
    let whole = try #require(
      JSONSerialization.jsonObject(with: Data(bytes(of: path))) as? [String: Any])
    let learned = try #require(whole["learned"] as? [String: Any])
    let folds = try #require(learned["folds"] as? [[String: Any]])
    func refused(_ change: (inout [[String: Any]]) -> Void) throws -> String {
      var (file, changed) = (whole, folds)
      change(&changed)
      file["learned"] = ["folds": changed]
      put(try JSONSerialization.data(withJSONObject: file), at: path)
      let error = #expect(throws: DetectionError.self) { try Calibration(contentsOf: path) }
      return error!.description
    }
    func kinds(mean: [Double], whitening: [Double]) -> [String: Any] {
      ["kinds": [["mean": mean, "whitening": whitening, "height": 0, "share": 1] as [String: Any]]]
    }
    let changes: [(inout [[String: Any]]) -> Void] = [
      { $0.removeLast() },
      { $0[0]["normal"] = [1.0, 2.0] },
      { $0[1]["model"] = nil },
      { $0[2]["normal"] = ($0[2]["normal"] as! [Double]).reversed() as [Double] },
      { folds in
        var model = folds[0]["model"] as! [String: Any]
        model["kinds"] = kinds(mean: [1], whitening: [1])
        folds[0]["model"] = model
      },
    ]
    for change in changes {
      #expect(try refused(change).contains("field learned: expected what the vectors teach"))
    }
    let short = try refused { folds in
      var model = folds[0]["model"] as! [String: Any]
      model["kinds"] = kinds(mean: [1, 2], whitening: [1])
      folds[0]["model"] = model
    }
    #expect(short.contains("whitening: expected 3 numbers, found 1"))
  }

  @Test func falseDiscoveriesAreBounded() throws {
    let rows = (1...20).map { index in
      ScoreRow(
        path: "\(index)", nats: 1, bitsPerDimension: 1,
        verdict: .init(pValue: index <= 4 ? 0.005 : Double(index) / 20, flagged: true))
    }
    let table = ScoreTable(rows: rows)
    // 0.005 ≤ 4 · 0.05 / 20; no other p-value is within its bound.
    #expect(table.flagged(falseDiscoveryRate: 0.05).rows.filter { $0.verdict!.flagged }.count == 4)
    #expect(table.flagged(falseDiscoveryRate: 0.001).flaggedCount == 0)
  }
}
