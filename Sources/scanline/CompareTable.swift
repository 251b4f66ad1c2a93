import Detection

extension CompareSets {
  /// A table with aligned columns; whole paths would fill it.
  func text(_ pairs: [(outOf: String, cells: [String])]) -> String {
    let header = ["out of", "score", "AUROC", "AUPR in", "AUPR out", "FPR95", "FPR80"]
    let names = Dictionary(zip(others, shortNames(of: others))) { first, _ in first }
    let lines = [header] + pairs.map { [names[$0.outOf]!] + $0.cells }
    let widths = header.indices.map { column in lines.map { $0[column].count }.max()! }
    return lines.map { line in
      zip(line, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }

  /// A column of a table as what is odder the higher it is.
  struct Oddness {
    let score: String
    private let tail: Tail
    private let tails: Tails

    init(_ score: String, among normal: [Double]) {
      self.score = score
      tail = Score.oddTail(of: score)
      tails = Tails(of: normal)
    }

    func values(in table: ScoreTable) -> [Double] {
      table.values(of: score)!.map { value in
        switch tail {
        case .high: value
        case .low: -value
        case .both: value.isNaN ? .nan : tails.oddness(of: value, .both)
        }
      }
    }
  }
}
