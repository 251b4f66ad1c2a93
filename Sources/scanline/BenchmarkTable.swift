import CPU
import Tensors

/// What `benchmark` prints for people: a line a model.
struct BenchmarkTable {
  private let reports: [BenchmarkReport]

  init(_ reports: [BenchmarkReport]) { self.reports = reports }

  var text: String {
    let header = [
      "model", "batch", "parameters", "train/s", "GFLOP/s", "peak", "score/s", "GFLOP/s", "peak",
      "sample/s", "plain/s", "MiB",
    ]
    let lines = [header] + reports.map(cells)
    let widths = header.indices.map { column in lines.map { $0[column].count }.max()! }
    let table = lines.map { line in
      zip(line, widths).enumerated().map { column, cell in
        let space = String(repeating: " ", count: cell.1 - cell.0.count)
        return column == 0 ? cell.0 + space : space + cell.0
      }.joined(separator: "  ")
    }
    return ([summary] + table + memory + fallbacks).joined(separator: "\n")
  }

  /// Operations that had no kernel and were computed by the slow reference: none, if all is well.
  private var fallbacks: [String] {
    let counts = Fallbacks.counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value) times" }
    return counts.isEmpty ? [] : ["by the reference, slowly: \(counts.joined(separator: ", "))"]
  }

  private func cells(_ report: BenchmarkReport) -> [String] {
    func cell(_ value: Double?, _ show: (Double) -> String = short) -> String {
      value.map(show) ?? "-"
    }
    func percent(_ share: Double) -> String { short(100 * share) + " %" }
    let result = report.result
    return [
      report.benchmark.name, "\(report.benchmark.batch)", "\(result.parameters)",
      cell(result.train), cell(result.trainGflops), cell(report.trainShareOfPeak, percent),
      cell(result.score), cell(result.scoreGflops), cell(report.scoreShareOfPeak, percent),
      cell(result.sample, significant), cell(result.plainSample, significant),
      result.peakMemory.map { "\($0 >> 20)" } ?? "-",
    ]
  }

  /// What all lines have in common.
  private var summary: String {
    let image = reports[0].benchmark.specification.image
    var peaks: [String: Double] = [:]
    for report in reports {
      if let peak = report.peak { peaks[report.benchmark.precision.rawValue] = peak }
      if let peak = report.scorePeak { peaks[report.benchmark.scoringPrecision.rawValue] = peak }
    }
    let measured = peaks.sorted { $0.key < $1.key }.map { "\($0.key) \(short($0.value))" }
    return "\(image), \(counted(CPUBackend.shared.threads, "thread")), images a second"
      + (measured.isEmpty ? "" : "; peak \(measured.joined(separator: ", ")) GFLOP/s")
  }

  /// Whether memory grew, where steps were counted.
  private var memory: [String] {
    reports.compactMap { report in
      guard let steps = report.benchmark.steps, let early = report.result.residentEarly,
        let late = report.result.residentLate
      else { return nil }
      return "\(report.benchmark.name): \(fixed(Double(early) / 0x1p20, 1)) MiB resident after step"
        + " \(max(1, steps / 10)), \(fixed(Double(late) / 0x1p20, 1)) after step \(steps)"
    }
  }
}
