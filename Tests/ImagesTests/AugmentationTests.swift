import Images
import Testing

@Suite struct AugmentationTests {
  /// Images of 4×4 pixels and two channels, no two of whose symbols are the same.
  private let batch = PixelBatch(
    count: 400, height: 4, width: 4, channels: 2, levels: 32,
    symbols: (0..<400 * 32).map { UInt8($0 % 32) })

  private func images(_ augmentation: Augmentation, epoch: Int = 0, seed: UInt64 = 1) -> [[UInt8]] {
    let all = Array(0..<400)
    let changed = augmentation.applied(to: batch, indices: all, epoch: epoch, seed: seed)
    #expect(changed.labels == nil && changed.order == batch.order)
    return all.map { Array(changed.symbols[$0 * 32..<($0 + 1) * 32]) }
  }

  /// The image whose pixel at row and column is that of the original there.
  private func image(_ source: (Int, Int) -> (row: Int, column: Int)) -> [UInt8] {
    (0..<16).flatMap { pixel -> [UInt8] in
      let (row, column) = source(pixel / 4, pixel % 4)
      return [UInt8(2 * (4 * row + column)), UInt8(2 * (4 * row + column) + 1)]
    }
  }

  /// How often each of the images comes; none other may.
  private func counts(_ found: [[UInt8]], _ expected: [[UInt8]]) -> [Int] {
    let counts = expected.map { image in found.count { $0 == image } }
    #expect(counts.reduce(0, +) == found.count)
    return counts
  }

  @Test func halfAreMirrored() {
    let found = counts(
      images(Augmentation(flips: true)), [image { ($0, $1) }, image { ($0, 3 - $1) }])
    #expect(found.allSatisfy { (160...240).contains($0) }, "\(found)")
  }

  @Test func quarterTurns() {
    let found = counts(
      images(Augmentation(rotates: true)),
      [
        image { ($0, $1) }, image { ($1, 3 - $0) }, image { (3 - $0, 3 - $1) },
        image { (3 - $1, $0) },
      ])
    #expect(found.allSatisfy { (60...140).contains($0) }, "\(found)")
  }

  @Test("every move is as likely, and the edge is repeated")
  func shifts() {
    let moves = (0..<25).map { ($0 / 5 - 2, $0 % 5 - 2) }
    let found = counts(
      images(Augmentation(shift: 2)),
      moves.map { down, right in
        image { (min(max($0 - down, 0), 3), min(max($1 - right, 0), 3)) }
      })
    // 16 are expected of each.
    #expect(found.allSatisfy { (3...35).contains($0) }, "\(found)")
  }

  @Test("what becomes of an image depends on seed, epoch and image alone")
  func keys() {
    let all = Augmentation(flips: true, shift: 2, rotates: true)
    let first = images(all)
    #expect(images(all) == first)
    #expect(images(all, epoch: 1) != first && images(all, seed: 2) != first)
    let alone = all.applied(
      to: PixelBatch(
        count: 1, height: 4, width: 4, channels: 2, levels: 32, symbols: (0..<32).map { $0 }),
      indices: [37], epoch: 0, seed: 1)
    #expect(alone.symbols == first[37])
  }

  @Test func nothingAskedForChangesNothing() {
    #expect(Augmentation().isNone && images(Augmentation())[5] == image { ($0, $1) })
  }
}
