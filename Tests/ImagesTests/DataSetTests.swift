import Foundation
import Images
import TestSupport
import Testing

@Suite struct DataSetTests {
  private func numbered(_ count: Int, of distinct: Int? = nil) -> DataSet {
    DataSet(
      height: 2, width: 3, channels: 1,
      pixels: (0..<count).flatMap {
        testImage($0 % (distinct ?? count), height: 2, width: 3).pixels
      },
      names: (0..<count).map(String.init), labels: (0..<count).map { $0 % 2 },
      classNames: ["even", "odd"])
  }

  @Test func subsetsKeepImagesWithTheirNames() {
    let data = numbered(5)
    let part = data[[3, 1, 3]]
    #expect(part.names == ["3", "1", "3"])
    #expect(part.labels == [1, 1, 1])
    #expect(part.image(at: 1) == testImage(1, height: 2, width: 3))
    #expect(part.pixels.count == 18)
  }

  @Test func labelsGoAlongWithBatches() {
    let batch = PixelEncoding.threshold.batch(of: numbered(5), indices: [3, 0, 3], seed: 0)
    #expect(batch.labels == [1, 0, 1])
    #expect(batch.order == .raster)
    let unlabelled = DataSet(height: 1, width: 1, channels: 1, pixels: [7], names: ["a"])
    #expect(PixelEncoding.threshold.batch(of: unlabelled, indices: [0], seed: 0).labels == nil)
  }

  // MARK: Split

  @Test func splitIsByContentAlone() {
    let data = numbered(2000)
    let (training, validation) = data.split(validationFraction: 0.1)
    #expect(training.count + validation.count == 2000)
    #expect((140...260).contains(validation.count))  // 200 expected, 13 the standard deviation
    let shuffled = data[EpochOrder.indices(count: 2000, seed: 5, epoch: 0)].split()
    #expect(Set(shuffled.validation.names) == Set(validation.names))
    let fewer = data[0..<1000].split()
    #expect(fewer.validation.names == validation.names.filter { Int($0)! < 1000 })
    #expect(Set(data.split(seed: 1).validation.names) != Set(validation.names))
  }

  @Test func copiesStayOnOneSide() {
    let (training, validation) = numbered(600, of: 60).split(validationFraction: 0.3)
    let sides = [training, validation].map { side in
      Set((0..<side.count).map { side.image(at: $0).pixels })
    }
    #expect(sides[0].isDisjoint(with: sides[1]))
    #expect(sides[0].count + sides[1].count == 60)
  }

  @Test(arguments: [0.0, 0.1, 0.9, 1.0]) func bothSidesHaveImages(fraction: Double) {
    for data in [numbered(2), numbered(3), numbered(4, of: 1)] {
      let (training, validation) = data.split(validationFraction: fraction)
      #expect(training.count >= 1 && validation.count >= 1)
      #expect(training.count + validation.count == data.count)
    }
  }

  @Test func epochOrderIsAPermutationOfItsOwn() {
    let first = EpochOrder.indices(count: 100, seed: 1, epoch: 0)
    #expect(first.sorted() == Array(0..<100))
    #expect(EpochOrder.indices(count: 100, seed: 1, epoch: 0) == first)
    #expect(EpochOrder.indices(count: 100, seed: 1, epoch: 1) != first)
    #expect(EpochOrder.indices(count: 100, seed: 2, epoch: 0) != first)
  }

  // MARK: Real data

  @Test(.enabled(if: SharedData.has("mnist"), "no shared/data/mnist (or set SCANLINE_DATA)"))
  func mnistIsWhatItIsKnownToBe() throws {
    let options = LoadingOptions(useClasses: true)
    let folder = SharedData.folder + "/mnist/"
    let training = try DataSet.load(folder + "train-images-idx3-ubyte.gz", options: options)
    #expect(training.shape == [60000, 28, 28, 1])
    // The mean 33.3184 of 255 that every tutorial normalises by (0.1307).
    #expect(training.pixels.reduce(0) { $0 + Int($1) } == 1_567_298_545)
    let counts = (0..<10).map { digit in training.labels!.count { $0 == digit } }
    #expect(counts == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
    let test = try DataSet.load(folder + "t10k-images-idx3-ubyte.gz", options: options)
    #expect(test.count == 10000)
    #expect(test.pixels.reduce(0) { $0 + Int($1) } == 264_923_200)
    #expect(test.labels!.prefix(5) == [7, 2, 1, 0, 4])
  }

  /// Independent Bernoulli pixels with probability (n + 1) / (N + 2): 205.79 nats, known from
  /// another implementation.
  @Test(
    .enabled(
      if: SharedData.has("binarized-mnist"), "no shared/data/binarized-mnist (or set SCANLINE_DATA)"
    )
  )
  func staticBinarizedMNISTHasItsKnownDensity() throws {
    func load(_ part: String) throws -> PixelBatch {
      let data = try DataSet.load(
        SharedData.folder + "/binarized-mnist/binarized_mnist_\(part).amat.gz")
      #expect(data.levelsOfSource == 2)
      return PixelEncoding.threshold.batch(of: data, indices: 0..<data.count, seed: 0)
    }
    let training = try load("train")
    let test = try load("test")
    #expect([training.shape, test.shape] == [[50000, 28, 28, 1], [10000, 28, 28, 1]])
    var ones = [Int](repeating: 0, count: 784)
    for (at, symbol) in training.symbols.enumerated() { ones[at % 784] += Int(symbol) }
    let nats = ones.map { n in
      let p = Double(n + 1) / Double(training.count + 2)
      return (zero: -log(1 - p), one: -log(p))
    }
    var total = 0.0
    for (at, symbol) in test.symbols.enumerated() {
      total += symbol == 1 ? nats[at % 784].one : nats[at % 784].zero
    }
    #expect(abs(total / Double(test.count) - 205.79) < 0.005)
  }
}
