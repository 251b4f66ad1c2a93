extension CompareSets {
  /// A table with aligned columns; whole paths would fill it.
  func text(_ pairs: [Pair]) -> String {
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
}
