import Foundation
import Images
import Randomness
import TestSupport
import Testing

/// Folders of more images than memory holds.
@Suite(.serialized, .enabled(if: Command.path != nil, Command.missing)) struct MemoryTests {
  let place = Workplace()

  /// Images of 64×64 pixels in colour, 12 288 bytes each, and a run that has them fast.
  private func prepare() throws {
    for (folder, seed) in [("few", UInt64(1)), ("held-out", 2)] {
      place.folder.makeFolder(folder)
      for index in 0..<40 {
        var random = RandomStream(seed: seed, "memory", index)
        let shades = (0..<2).map { _ in UInt8(random.integer(below: 256)) }
        let pixels = (0..<64 * 64 * 3).map { shades[$0 / 3072 % 2] }
        try Image(height: 64, width: 64, channels: 3, pixels: pixels)
          .writePNG(to: place.file("\(folder)/\(index).png"))
      }
    }
    let trained = try place.scanline(
      "train", "few", "--run", "run", "--model", "local-pixelcnn", "--set", "channels=4", "--set",
      "blocks=1", "--set", "reach=1", "--levels", "4", "--epochs", "1", "--hold-out", "0",
      "--quiet")
    #expect(trained.status == 0, "\(trained.error)")
    unlink(place.file("run/gaussian.safetensors"))
    #expect(try place.scanline("calibrate", "run", "held-out", "--quiet").status == 0)
    for count in [2_000, 5_000, 8_000] {
      place.folder.makeFolder("\(count)")
      for index in 0..<count {
        try FileManager.default.linkItem(
          atPath: place.file("few/\(index % 40).png"), toPath: place.file("\(count)/\(index).png"))
      }
    }
  }

  /// How much more memory more images take.
  private func growth(_ verb: String, _ counts: [Int], _ more: String...) throws -> Int {
    let peaks = try counts.map { count in
      try peakMemory(
        of: [#require(Command.path), verb, "run", "\(count)"] + more, in: place.path)
    }
    print("\(verb): \(peaks.map { $0 >> 20 }) MiB for \(counts) images")
    return peaks[1] - peaks[0]
  }

  private static let most = 16 << 20

  @Test("more images take no memory but for what is said of them")
  func growth() throws {
    try prepare()
    // Pixels of 6 000 are 74 MB, a row of each is 4 MB.
    #expect(try growth("score", [2_000, 8_000], "--out", "s.csv") < Self.most)
    // The page has pictures of some 4 000, whatever the number of images.
    #expect(
      try growth("flag", [5_000, 8_000], "--out", "out", "--heatmaps", "none") < Self.most)
  }
}
