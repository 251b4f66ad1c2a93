import Detection
import Foundation
import Images
import Randomness
import Testing

@Suite struct HoldOutTests {
  /// 12 × 12 pictures of a few blots each, every one unlike the others.
  private func pictures(_ count: Int, copies: Int = 1, noise: Int = 0) -> DataSet {
    var pixels: [UInt8] = []
    var names: [String] = []
    for image in 0..<count {
      var stream = RandomStream(seed: 9, "picture", image)
      let blots = (0..<5).map { _ in (stream.uniform() * 12, stream.uniform() * 12) }
      for copy in 0..<copies {
        var grain = RandomStream(seed: 10, "grain", image, copy)
        // A copy has another exposure and other noise.
        let exposure = 1 - 0.1 * Double(copy)
        for y in 0..<12 {
          for x in 0..<12 {
            let light = blots.reduce(0.0) { sum, blot in
              let (dx, dy) = (Double(x) - blot.0, Double(y) - blot.1)
              return sum + exp(-(dx * dx + dy * dy) / 4)
            }
            let level = 20 + 200 * min(1, light) * exposure
            let shift = noise == 0 ? 0 : grain.integer(below: 2 * noise + 1) - noise
            pixels.append(UInt8(min(255, max(0, Int(level) + shift))))
          }
        }
        names.append("part-\(image)/\(copy).png")
      }
    }
    return DataSet(height: 12, width: 12, channels: 1, pixels: pixels, names: names)
  }

  private func parts(of names: [String]) -> Set<String> {
    Set(names.map { String($0.prefix { $0 != "/" }) })
  }

  @Test func nearDuplicatesAreFound() {
    let bursts = pictures(80, copies: 3, noise: 2)
    let groups = bursts.nearDuplicateGroups()
    #expect(Set(groups).count == 80)
    for image in 0..<80 { #expect(Set(groups[3 * image..<3 * image + 3]).count == 1) }
    // No two of pictures that are drawn alike are taken for one.
    #expect(Set(pictures(300).nearDuplicateGroups()).count == 300)
  }

  @Test func exactCopiesAreOneGroup() {
    let data = pictures(5)
    let groups = data[[0, 1, 0, 2, 1, 0]].nearDuplicateGroups()
    #expect(groups == [0, 1, 0, 2, 1, 0])
    let blank = DataSet(
      height: 4, width: 4, channels: 3, pixels: [UInt8](repeating: 9, count: 96),
      names: ["a", "b"])
    #expect(blank.nearDuplicateGroups() == [0, 0])
  }

  /// Series of five that are more alike than others, but no near-duplicates: told of where names are in
  /// their order, and not where they are not.
  @Test func seriesAreToldOf() throws {
    var pixels: [[UInt8]] = []
    for image in 0..<400 {
      var (own, common) = (
        RandomStream(seed: 11, "own", image), RandomStream(seed: 11, "common", image / 5)
      )
      pixels.append(
        (0..<144).map { _ in UInt8(60 + 80 * common.uniform() + 50 * own.uniform()) })
    }
    func inSeries(_ order: [Int], _ holdOut: HoldOut = HoldOut()) throws -> Bool? {
      let data = DataSet(
        height: 12, width: 12, channels: 1, pixels: order.flatMap { pixels[$0] },
        names: order.indices.map { "part-\($0 / 5)/\($0).png" })
      #expect(Set(data.nearDuplicateGroups()).count == 400)
      return try holdOut.divide(data, seed: 1).inSeries.map { HoldOut.isTelling($0, $1) }
    }
    #expect(try inSeries(Array(0..<400)) == true)
    var stream = RandomStream(seed: 12, "order")
    #expect(try inSeries(stream.permutation(of: 400)) == false)
    // Who names groups knows.
    #expect(try inSeries(Array(0..<400), HoldOut(groupBy: "folder")) == nil)
  }

  @Test func alikeImagesStayOnOneSide() throws {
    let bursts = pictures(120, copies: 3, noise: 2)
    let sides = try HoldOut().divide(bursts, seed: 1)
    #expect(sides.held.count >= 90 && sides.held.count < 135)
    #expect(sides.held.count + sides.rest.count == 360 && sides.leftOut == 0)
    #expect(parts(of: sides.held.names).isDisjoint(with: parts(of: sides.rest.names)))
    // Whatever the order and the names; another seed sets others aside.
    let turned = bursts[(0..<360).reversed()]
    let again = try HoldOut().divide(turned, seed: 1)
    #expect(Set(again.held.names) == Set(sides.held.names))
    #expect(try HoldOut().divide(bursts, seed: 2).held.names != sides.held.names)
  }

  @Test(arguments: ["folder", "part-([0-9]+)/", "part-[0-9]+"])
  func namesKeepImagesTogether(by group: String) throws {
    var data = pictures(300)
    // Six unlike pictures a part.
    data = DataSet(
      height: 12, width: 12, channels: 1, pixels: data.pixels,
      names: (0..<300).map { "part-\($0 / 6)/\($0).png" })
    let apart = try HoldOut().divide(data, seed: 1)
    #expect(!parts(of: apart.held.names).isDisjoint(with: parts(of: apart.rest.names)))
    let sides = try HoldOut(groupBy: group).divide(data, seed: 1)
    #expect(sides.held.count >= 75 && sides.held.count <= 81)
    #expect(parts(of: sides.held.names).isDisjoint(with: parts(of: sides.rest.names)))
  }

  @Test func asManyAsThereShouldBe() throws {
    let counts = [239: 0, 240: 60, 400: 100, 1_000: 250, 2_400: 250, 9_000: 900, 60_000: 2_000]
    for (images, expected) in counts { #expect(HoldOut().count(of: images) == expected) }
    #expect(HoldOut(count: 0).count(of: 9_000) == 0 && HoldOut(count: 7).count(of: 20) == 7)
    #expect(try HoldOut().divide(pictures(30), seed: 1).held.count == 0)
    #expect(try HoldOut(count: 7).divide(pictures(30), seed: 1).held.count == 7)
    // One group is no two sides.
    #expect(try HoldOut(groupBy: "part").divide(pictures(300), seed: 1).held.count == 0)
    #expect(throws: DetectionError.badGroups("(")) { try HoldOut(groupBy: "(").keys(of: ["a"]) }
  }
}
