import Foundation
import Images
import Randomness
import TestSupport
import Testing

/// Folders of more images than memory holds.
@Suite(.serialized, .enabled(if: Command.path != nil, Command.missing)) struct MemoryTests {
  let place = Workplace()

  /// Images of 48×48 pixels in colour, 6 912 bytes each, and a run that has them fast.
  private func prepare() throws {
    for (folder, seed) in [("few", UInt64(1)), ("held-out", 2)] {
      place.folder.makeFolder(folder)
      for index in 0..<40 {
        var random = RandomStream(seed: seed, "memory", index)
        let shades = (0..<2).map { _ in UInt8(random.integer(below: 256)) }
        let pixels = (0..<48 * 48 * 3).map { shades[$0 / 1728 % 2] }
        try Image(height: 48, width: 48, channels: 3, pixels: pixels)
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
    for count in [2_000, 8_000] {
      place.folder.makeFolder("\(count)")
      for index in 0..<count {
        try FileManager.default.linkItem(
          atPath: place.file("few/\(index % 40).png"), toPath: place.file("\(count)/\(index).png"))
      }
    }
  }

  @Test("6 000 images more take no memory but for what is said of them")
  func growth() throws {
    try prepare()
    let verbs = ["score": ["--out", "s.csv"], "flag": ["--out", "out", "--heatmaps", "none"]]
    for (verb, more) in verbs.sorted(by: { $0.key < $1.key }) {
      let peaks = try [2_000, 8_000].map { count in
        try peakMemory(
          of: [#require(Command.path), verb, "run", "\(count)"] + more, in: place.path)
      }
      // Their pixels are 41 MB, a row of each is 4 MB.
      #expect(peaks[1] - peaks[0] < 20 << 20, "\(verb): \(peaks)")
      print("\(verb): \(peaks.map { $0 >> 20 }) MiB for 2 000 and 8 000 images")
    }
  }
}
