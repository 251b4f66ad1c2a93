import Detection
import Files
import Foundation

extension ScoreTable {
  /// Comma-separated values: `path,nats,bits_per_dimension`, a column a score, then `p_value,flagged`
  /// where the table is calibrated, and, where it is judged by the verdict, `parts`: up to three scores
  /// that made it so, each with `high` or `low` and its share (`mirrored low 0.41; nats high 0.2`).
  ///
  /// A path that a spreadsheet would take for a formula (`=1+1.png`) has an apostrophe before it.
  /// Fields are quoted as in RFC 4180; lines end with LF. Numbers are the shortest that read back as
  /// the same double; those that are not finite are `inf`, `-inf` and `nan`. `flagged` is `true` or
  /// `false`.
  public var csv: String { csvLines.joined() }

  /// JSON lines: an object for each image with the keys of the CSV header, in its order. Numbers that
  /// are not finite, which JSON lacks, are the strings "inf", "-inf" and "nan".
  public var jsonLines: String { jsonLines(regions: nil).joined() }

  private var csvLines: some Sequence<String> {
    let hasParts = hasParts
    let header = columns(hasParts).map(quoted).joined(separator: ",")
    return (-1..<rows.count).lazy.map { index in
      guard index >= 0 else { return header + "\n" }
      let values = [.text(rows[index].path)] + cells(rows[index], hasParts)
      return values.map(\.csv).joined(separator: ",") + "\n"
    }
  }

  /// - Parameter regions: of each image, further objects under the key `regions`.
  private func jsonLines(regions: [[Region]]?) -> some Sequence<String> {
    let hasParts = hasParts
    let keys = columns(hasParts).map(jsonString)
    return rows.indices.lazy.map { index in
      let values = [.text(rows[index].path)] + cells(rows[index], hasParts)
      var fields = zip(keys, values).map { "\($0):\($1.json)" }
      if let regions {
        fields.append("\"regions\":[\(regions[index].map(\.json).joined(separator: ","))]")
      }
      return "{\(fields.joined(separator: ","))}\n"
    }
  }

  /// Writes `csv`, as a whole or not at all. Throws a `FileError`.
  public func writeCSV(to path: String) throws { try write(csvLines, to: path) }

  /// Writes `jsonLines`, as a whole or not at all, where there are any with the `regions` of each image:
  /// `x`, `y`, `width` and `height` of the least box around one, pixels of the image; `area`, pixels;
  /// `peak`, bits a pixel, at `peak_x`, `peak_y`, and its `p_value`. Throws a `FileError`.
  public func writeJSONLines(to path: String, regions: [[Region]]? = nil) throws {
    try write(jsonLines(regions: regions), to: path)
  }

  /// Piece by piece: the text of a million rows would fill the memory that they take.
  private func write(_ lines: some Sequence<String>, to path: String) throws {
    try AtomicFile.write(to: path) { output in
      var waiting: [UInt8] = []
      for line in lines {
        waiting += line.utf8
        guard waiting.count >= 1 << 20 else { continue }
        try waiting.withUnsafeBytes { try output.write($0) }
        waiting.removeAll(keepingCapacity: true)
      }
      try waiting.withUnsafeBytes { try output.write($0) }
    }
  }

  private func columns(_ hasParts: Bool) -> [String] {
    ["path", "nats", "bits_per_dimension"] + scoreNames
      + (isCalibrated ? ["p_value", "flagged"] + (hasParts ? ["parts"] : []) : [])
  }

  /// What stands in a row after the path.
  private func cells(_ row: ScoreRow, _ hasParts: Bool) -> [Cell] {
    ([row.nats, row.bitsPerDimension] + row.scores).map(Cell.number)
      + (row.verdict.map { verdict in
        [.number(verdict.pValue), .truth(verdict.flagged)]
          + (hasParts ? [.parts(verdict.parts)] : [])
      } ?? [])
  }

  private var hasParts: Bool { rows.contains { $0.verdict?.parts.isEmpty == false } }
}

extension Region {
  fileprivate var json: String {
    "{\"x\":\(x),\"y\":\(y),\"width\":\(width),\"height\":\(height),\"area\":\(area),"
      + "\"peak\":\(peak),\"peak_x\":\(peakX),\"peak_y\":\(peakY)"
      + (pValue.map { ",\"p_value\":\($0)" } ?? "") + "}"
  }
}

private enum Cell {
  case text(String)
  case number(Double)
  case truth(Bool)
  case parts([ScoreRow.Part])

  var csv: String {
    switch self {
    case .text(let text): quoted(inert(text))
    case .number(let number): number.description
    case .truth(let truth): truth.description
    case .parts(let parts): quoted(parts.map(\.words).joined(separator: "; "))
    }
  }

  var json: String {
    switch self {
    case .text(let text): jsonString(text)
    case .number(let number): number.isFinite ? number.description : "\"\(number)\""
    case .truth(let truth): truth.description
    case .parts(let parts):
      "["
        + parts.map { part in
          #"{"score":\#(jsonString(part.score)),"share":\#(part.rounded),"high":\#(part.isHigh)}"#
        }.joined(separator: ",") + "]"
    }
  }
}

extension ScoreRow.Part {
  /// The share to three digits: more would say nothing.
  var rounded: Double { (share * 1000).rounded() / 1000 }

  /// `mirrored low 0.412`
  var words: String { "\(score) \(isHigh ? "high" : "low") \(rounded)" }
}

/// A text that no spreadsheet computes.
package func inert(_ text: String) -> String {
  guard let first = text.unicodeScalars.first, "=+-@\t\r".unicodeScalars.contains(first) else {
    return text
  }
  return "'" + text
}

/// A CSV field, in quotes where it holds a comma, a quote, a line end or an outer space.
package func quoted(_ field: String) -> String {
  let special = field.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
  guard special || field.hasPrefix(" ") || field.hasSuffix(" ") else { return field }
  // By scalars, not characters: a quote with a combining mark is another character, but still a quote.
  return "\"\(field.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined())\""
}

private func jsonString(_ text: String) -> String {
  var json = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": json += "\\\""
    case "\\": json += "\\\\"
    case "\u{0}"..."\u{1F}", "\u{7F}", "\u{2028}", "\u{2029}":
      let digits = String(scalar.value, radix: 16)
      json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: json.unicodeScalars.append(scalar)
    }
  }
  return json + "\""
}
