import Benchmarks
import CPU
import Heads
import Images
import Models
import Tensors
import TestSupport
import Testing

@Suite(.serialized) struct BenchmarkTests {
  private func benchmark(
    _ name: String, _ settings: [String: String] = [:], _ head: Head = .bernoulli,
    _ image: ImageShape = ImageShape(height: 4, width: 5, channels: 1)
  ) throws -> Benchmark {
    var benchmark = Benchmark(
      // Masks are drawn by the seed, here that of the model cases.
      try ModelSpecification(name: name, settings: settings, head: head, image: image, seed: 7),
      precision: .float32)
    benchmark.batch = 8
    // A job a repeat.
    benchmark.seconds = 1e-6
    return benchmark
  }

  @Test(
    "every model is measured, with both heads",
    arguments: ModelCase.families(.bernoulli, ImageShape(height: 3, width: 3, channels: 1))
      + ModelCase.families(.categorical(3), ImageShape(height: 2, width: 3, channels: 3)))
  func everything(_ modelCase: ModelCase) throws {
    let benchmark = try benchmark(
      modelCase.name, modelCase.settings, modelCase.head, modelCase.image)
    let result = try #require(try benchmark.run(on: CPUBackend.shared))
    let (model, parameters) = try modelCase.build(precision: .float32)
    #expect(result.parameters == parameters.reduce(0) { $0 + $1.count })
    #expect(result.multiplyAdds == model.multiplyAdds)
    for rate in [result.score, result.sample, result.plainSample] {
      let rate = try #require(rate)
      #expect(rate > 0 && rate.isFinite)
    }
    if benchmark.specification.family.isClosedForm {
      #expect(result.train == nil && result.firstStep == nil)
    } else {
      #expect(try #require(result.train) > 0 && result.firstStep! > 0)
    }
    #expect(result.residentEarly == nil && result.residentLate == nil)
  }

  @Test("training counts three forward passes, scoring one for each mask; two operations each")
  func arithmetic() throws {
    let result = try #require(
      try benchmark("made", ["hidden": "16", "masks": "3"]).run(on: CPUBackend.shared))
    let operations = 2e-9 * Double(result.multiplyAdds)
    expectClose(
      [try #require(result.trainGflops), try #require(result.scoreGflops)],
      [3 * operations * result.train!, 3 * operations * result.score!], tolerance: 1e-12,
      floor: 1e-30)
    let single = try #require(try benchmark("fvsbn").run(on: CPUBackend.shared))
    #expect(single.multiplyAdds == 190)
    expectClose(
      [try #require(single.scoreGflops)], [2e-9 * 190 * single.score!], tolerance: 1e-12,
      floor: 1e-30)
  }

  @Test("what is not wanted is not done", arguments: Benchmark.Measurement.allCases)
  func only(_ measurement: Benchmark.Measurement) throws {
    var benchmark = try benchmark("nade", ["hidden": "3"])
    benchmark.measurements = [measurement]
    var seen: Set<Benchmark.Measurement> = []
    let result = try #require(
      try benchmark.run(on: CPUBackend.shared) {
        seen.insert($0)
        return true
      })
    #expect(seen == [measurement])
    #expect((result.train != nil) == (measurement == .train))
    #expect((result.firstStep != nil) == (measurement == .train))
    #expect((result.score != nil) == (measurement == .score))
    #expect((result.sample != nil) == (measurement == .sample))
    #expect((result.plainSample != nil) == (measurement == .sample))
  }

  @Test("takes the steps that it is asked for, and no other", arguments: [1, 9, 10, 25])
  func steps(_ count: Int) throws {
    var benchmark = try benchmark("fvsbn")
    benchmark.measurements = [.train]
    benchmark.steps = count
    var taken = 0
    let result = try #require(
      try benchmark.run(on: CPUBackend.shared) { _ in
        taken += 1
        return true
      })
    #expect(taken == count)
    #expect(try #require(result.train) > 0)
    #if os(Linux)
      #expect(try #require(result.residentEarly) > 0)
      #expect(try #require(result.residentLate) > 0)
      #expect(try #require(result.peakMemory) > 1 << 20)
    #endif
  }

  @Test("stops when it is asked to", arguments: Benchmark.Measurement.allCases)
  func stops(_ measurement: Benchmark.Measurement) throws {
    var calls = 0
    let result = try benchmark("pixelcnn", ["blocks": "1", "channels": "3"]).run(
      on: CPUBackend.shared
    ) {
      calls += $0 == measurement ? 1 : 0
      return $0 != measurement
    }
    #expect(result == nil)
    #expect(calls == 1)
  }

  @Test("measures with the images given, fewer than a batch too")
  func images() throws {
    var benchmark = try benchmark("fvsbn", [:], .categorical(4))
    benchmark.images = DataSet(
      height: 4, width: 5, channels: 1, pixels: (0..<60).map { UInt8($0 * 4) },
      names: ["a", "b", "c"])
    #expect(try #require(try benchmark.run(on: CPUBackend.shared)).train != nil)
  }

  @Test("a batch that no machine holds is refused before it is made")
  func memory() throws {
    var benchmark = try benchmark(
      "pixelcnn", [:], .categorical(256), ImageShape(height: 64, width: 64, channels: 3))
    benchmark.batch = 1 << 20
    #expect {
      try benchmark.run(on: CPUBackend.shared)
    } throws: { error in
      let line = "\(error)"
      return error is ModelError && line.contains("64x64x3") && line.contains("1048576")
        && !line.contains("\n")
    }
  }

  @Test("the machine's peak is a number", arguments: [Precision.float32, .bfloat16])
  func peak(_ precision: Precision) throws {
    guard precision == .float32 || CPUBackend.hasBFloat16 else { return }
    let peak = CPUBackend.shared.arithmeticPeak(precision, side: 64, seconds: 1e-6)
    #expect(peak > 0 && peak.isFinite)
  }

  #if os(Linux)
    @Test("this process has an age and a size")
    func process() throws {
      let age = try #require(ProcessStatus.age)
      #expect(age >= 0)
      #expect(try #require(ProcessStatus.age) >= age)
      #expect(try #require(ProcessStatus.residentMemory) > 1 << 20)
    }
  #endif
}
