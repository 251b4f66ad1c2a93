import Benchmarks
import CPU
import Heads
import Images
import Jobs
import Models
import Tensors

extension BenchmarkModels {
  func run() throws {
    common.prepare()
    let images = try data.flatMap { path in
      let options = LoadingOptions(
        size: size.map { ($0.width, $0.height) }, channels: channels?.count,
        followLinks: followLinks)
      return try DataSet.load(
        path, options: options, watch: ReadingDisplay(common.console).show)
    }
    let benchmarks = try benchmarks(on: images)
    let interruption = Interruption()
    let line = ProgressLine(common.console)
    defer { line.clear() }
    var reports: [BenchmarkReport] = []
    for (index, benchmark) in benchmarks.enumerated() {
      // The first model's start is the command's.
      let age = index == 0 ? ProcessStatus.age : nil
      let place = benchmarks.count == 1 ? "" : " (\(index + 1) of \(benchmarks.count))"
      let result = try benchmark.run(on: CPUBackend.shared) { measurement in
        line.update("\(benchmark.name)\(place): \(measurement.verb)")
        return !interruption.isRequested
      }
      guard let result else {
        throw CommandError.stopped("\(index) of \(counted(benchmarks.count, "model")) measured")
      }
      reports.append(BenchmarkReport(benchmark, result, startedAfter: age))
    }
    // Last, so that its matrices count in no model's memory.
    let peaks = try peaks(for: benchmarks) { precision in
      line.update("measuring this machine's peak in \(precision.rawValue)")
      if interruption.isRequested { throw CommandError.stopped("no peak was measured") }
    }
    for index in reports.indices { reports[index].compare(to: peaks) }
    line.clear()
    let table = BenchmarkTable(reports)
    if model == nil {
      try common.console.result(["models": reports], text: table.text)
    } else {
      try common.console.result(reports[0], text: table.text)
    }
  }

  /// What is to be measured, one benchmark a model and head.
  private func benchmarks(on images: DataSet?) throws -> [Benchmark] {
    let shape =
      images.map { ImageShape(height: $0.height, width: $0.width, channels: $0.channels) }
      ?? ImageShape(
        height: size?.height ?? 28, width: size?.width ?? 28, channels: channels?.count ?? 1)
    let settings = try parsedSettings(settings)
    let measurements = try measurements()
    let names = model.map { [$0] } ?? ModelFamily.all.map(\.name)
    return try names.flatMap { name -> [Benchmark] in
      let family = ModelFamily.named(name)
      if family?.isClassifier == true { throw ModelError.noDensity(name) }
      return try heads(of: family).compactMap { head -> Benchmark? in
        if model == nil, family?.takes(head.kind, of: shape) == false { return nil }
        let specification = try ModelSpecification(
          name: name, settings: settings, head: head, image: shape, seed: common.seed)
        let isWanted = model != nil || self.head != nil || levels != nil
        guard try isWanted || head == .bernoulli || specification.bytesToTrain() < 1 << 30
        else { return nil }
        var benchmark = Benchmark(
          specification, precision: precision?.precision ?? specification.family.precision)
        if let batch { benchmark.batch = batch }
        benchmark.measurements = measurements
        benchmark.scoringPrecision = scorePrecision.precision
        benchmark.seconds = seconds
        benchmark.steps = steps
        benchmark.seed = common.seed
        benchmark.images = images
        return benchmark
      }
    }
  }

  /// The head that is asked for, or those that a table shows.
  private func heads(of family: ModelFamily?) -> [Head] {
    let isAsked = head != nil || levels != nil
    let counts =
      isAsked ? [levels ?? head?.levels.upperBound ?? 256] : model == nil ? [2, 256] : [2]
    return counts.map { Head(head ?? family?.usualHead(ofLevels: $0) ?? .categorical, levels: $0) }
  }

  /// GFLOP/s of this machine in each precision that something was computed in.
  private func peaks(
    for benchmarks: [Benchmark], progress: (Precision) throws -> Void
  ) throws -> [Precision: Double] {
    let trained = benchmarks.filter { $0.measurements.contains(.train) }.map(\.precision)
    let scored = benchmarks.filter { $0.measurements.contains(.score) }.map(\.scoringPrecision)
    var peaks: [Precision: Double] = [:]
    for precision in Set(trained + scored) {
      try progress(precision)
      peaks[precision] = CPUBackend.shared.arithmeticPeak(precision)
    }
    return peaks
  }
}
