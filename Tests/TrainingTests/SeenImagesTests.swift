import Images
import Randomness
import TestSupport
import Testing
import Training

@Suite struct SeenImagesTests {
  /// Grey 4 × 4 images, each filled with one of the given shades.
  private func images(_ shades: [UInt8]) -> DataSet {
    DataSet(
      height: 4, width: 4, channels: 1,
      pixels: shades.flatMap { [UInt8](repeating: $0, count: 16) },
      names: shades.indices.map { "\($0)" })
  }

  @Test func imagesAreKnownByContentWhereverTheyLie() {
    let seen = SeenImages(training: images([1, 2, 3]), validation: images([9]))
    let overlap = seen.overlap(with: images([3, 4, 9, 1]))
    #expect(overlap.trained == [0, 3] && overlap.validated == [2] && !overlap.isEmpty)
    #expect(overlap.images == 4 && overlap.excess == 0.5)
    #expect(seen.overlap(with: images([7, 8])).isEmpty)
    #expect(SeenImages(training: images([3, 1, 2]), validation: images([9])) == seen)
  }

  /// Images of ten kinds repeat by nature: held-out ones do as the training images do.
  @Test func repetitionByNatureIsNoOverlap() {
    func drawn(_ count: Int, _ seed: UInt64) -> [UInt8] {
      var stream = RandomStream(seed: seed, "shades")
      // One in five of ten kinds, the others of their own.
      return (0..<count).map { index in
        stream.uniform() < 0.2 ? UInt8(stream.integer(below: 10)) : UInt8(10 + index)
      }
    }
    let training = drawn(100, 1)
    let heldOut = drawn(100, 2).map { $0 < 10 ? $0 : $0 + 100 }
    let seen = SeenImages(training: images(training), validation: nil)
    let overlap = seen.overlap(with: images(heldOut))
    #expect(overlap.trained.count > 5 && overlap.excess == 0)
    #expect(seen.overlap(with: images(training)).excess > 0.5)
    #expect(seen.overlap(with: images(Array(training[..<50] + heldOut[..<50]))).excess > 0.1)
  }
}
