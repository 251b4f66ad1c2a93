import Detection
import Foundation
import Reports
import TestSupport
import Testing

@Suite struct ScoreFilesTests {
  static let paths = [
    "plain.png", "a,b.png", "say \"hi\".png", "two\nlines\r\n.png", " outer ", "Übung/日本語 🙂.jpg",
    "\"\u{301}accent", "back\\slash\u{1}", "", "<script>",
  ]
  static let table = ScoreTable(
    scoreNames: ["typicality", "ratio, both"],
    rows: paths.enumerated().map { index, path in
      ScoreRow(
        path: path, nats: 81.3 + Double(index), bitsPerDimension: 1 / 3,
        scores: [1e-300, index == 1 ? .infinity : -.infinity],
        verdict: .init(pValue: 0.05, flagged: index == 2))
    })

  /// RFC 4180, read scalar by scalar.
  func parse(_ csv: String) -> [[String]] {
    var rows: [[String]] = [[""]]
    var inQuotes = false
    var scalars = Array(csv.unicodeScalars)[...]
    while let scalar = scalars.popFirst() {
      switch scalar {
      case "\"" where inQuotes && scalars.first == "\"":
        scalars.removeFirst()
        rows[rows.count - 1][rows.last!.count - 1].unicodeScalars.append("\"")
      case "\"": inQuotes.toggle()
      case "," where !inQuotes: rows[rows.count - 1].append("")
      case "\n" where !inQuotes: rows.append([""])
      default: rows[rows.count - 1][rows.last!.count - 1].unicodeScalars.append(scalar)
      }
    }
    #expect(rows.removeLast() == [""], "the last line ends with LF")
    return rows
  }

  @Test func csvComesBackAsItWas() throws {
    let rows = parse(Self.table.csv)
    #expect(
      rows.first == [
        "path", "nats", "bits_per_dimension", "typicality", "ratio, both", "p_value", "flagged",
      ])
    try #require(rows.count == 1 + Self.paths.count)
    for (fields, row) in zip(rows.dropFirst(), Self.table.rows) {
      try #require(fields.count == 7)
      #expect(Array(fields[0].unicodeScalars) == Array(row.path.unicodeScalars))
      #expect(Double(fields[1]) == row.nats && Double(fields[2]) == row.bitsPerDimension)
      #expect(Double(fields[3]) == row.scores[0] && Double(fields[4]) == row.scores[1])
      #expect(fields[5] == "0.05" && fields[6] == row.verdict!.flagged.description)
    }
  }

  /// A spreadsheet computes what begins with one of these.
  @Test(arguments: ["=1+1.png", "+1.png", "-1.png", "@SUM.png", "\t=1.png", "=a,b.png"])
  func pathsAreNoFormulas(_ path: String) {
    let table = ScoreTable(
      scoreNames: [],
      rows: [ScoreRow(path: path, nats: -1, bitsPerDimension: 2, scores: [], verdict: nil)])
    #expect(parse(table.csv)[1] == ["'" + path, "-1.0", "2.0"])
  }

  @Test func jsonLinesComeBackAsTheyWere() throws {
    let lines = Self.table.jsonLines.split(separator: "\n")
    try #require(lines.count == Self.paths.count)
    for (line, row) in zip(lines, Self.table.rows) {
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(object.count == 7)
      let path = try #require(object["path"] as? String)
      #expect(Array(path.unicodeScalars) == Array(row.path.unicodeScalars))
      #expect(object["nats"] as? Double == row.nats)
      #expect(object["ratio, both"] as? String == row.scores[1].description)
      #expect(object["flagged"] as? Bool == row.verdict!.flagged)
    }
    #expect(lines[0].hasPrefix(#"{"path":"plain.png","nats":81.3,"bits_per_dimension":0.3333"#))
  }

  @Test func uncalibratedTablesHaveNoVerdict() {
    let table = ScoreTable(rows: [ScoreRow(path: "a", nats: .nan, bitsPerDimension: 2)])
    #expect(table.csv == "path,nats,bits_per_dimension\na,nan,2.0\n")
    #expect(table.jsonLines == "{\"path\":\"a\",\"nats\":\"nan\",\"bits_per_dimension\":2.0}\n")
  }

  @Test func writesWhatItSaysOrWhyItCannot() throws {
    let folder = TemporaryFolder()
    try Self.table.writeCSV(to: folder.file("scores.csv"))
    try Self.table.writeJSONLines(to: folder.file("scores.jsonl"))
    #expect(try bytes(of: folder.file("scores.csv")) == Array(Self.table.csv.utf8))
    #expect(try bytes(of: folder.file("scores.jsonl")) == Array(Self.table.jsonLines.utf8))
    let missing = folder.file("none/scores.csv")
    expectError(at: missing, "cannot write: No such file or directory") {
      try Self.table.writeCSV(to: missing)
    }
  }
}
