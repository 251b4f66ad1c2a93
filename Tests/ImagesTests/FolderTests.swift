import Files
import Foundation
import Images
import TestSupport
import Testing

@Suite struct FolderTests {
  let folder = TemporaryFolder()

  private func writePNG(_ index: Int, _ file: String, channels: Int = 1, width: Int = 6) {
    folder.write(
      testImage(index, width: width, channels: channels).encodedPNG(), to: file)
  }

  private func load(_ options: LoadingOptions = LoadingOptions()) throws -> DataSet {
    try DataSet.load(folder.path, options: options)
  }

  private func message(_ options: LoadingOptions = LoadingOptions()) -> String? {
    do {
      _ = try load(options)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func orderIsThatOfThePathsBytes() throws {
    // "." comes before "/", capitals before small letters, and é after all of them.
    let names = [
      "B.png", "a.png", "a/x.png", "a0.PNG", "b/c/1.png", "b/c/10.png", "b/c/2.png", "é.png",
    ]
    for (index, name) in names.enumerated().reversed() { writePNG(index, name) }
    let data = try load()
    #expect(data.names == names)
    for index in names.indices { #expect(data.image(at: index) == testImage(index)) }
    #expect(try DataSet.load(folder.path + "/") == data)
  }

  @Test func jpegAndPNGAreTakenByContent() throws {
    folder.write(smallJPEG, to: "a.jpg")
    folder.write(smallJPEG, to: "b.png")
    folder.write(testImage(1, height: 8, width: 8).encodedPNG(), to: "c.jfif")
    let data = try load()
    #expect(data.names == ["a.jpg", "b.png", "c.jfif"])
    #expect(data.image(at: 0) == data.image(at: 1))
    #expect(data.image(at: 2) == testImage(1, height: 8, width: 8))
  }

  @Test func hiddenFilesAreNotThere() throws {
    writePNG(0, "a.png")
    writePNG(1, ".b.png")
    writePNG(2, ".cache/c.png")
    folder.write([1, 2, 3], to: "sub/.DS_Store")
    let data = try load(LoadingOptions(strict: true))
    #expect(data.names == ["a.png"])
    #expect(data.skipped.isEmpty)
  }

  @Test(.timeLimit(.minutes(1))) func linksAreFollowedOnce() throws {
    writePNG(0, "b/real.png")
    folder.link("b/up", to: "..")
    folder.link("a", to: "b")
    folder.link("b/self", to: "self")
    folder.link("b/linked.png", to: "real.png")
    let elsewhere = TemporaryFolder()
    elsewhere.write(testImage(1).encodedPNG(), to: "deep/far.png")
    folder.link("c", to: elsewhere.path)
    elsewhere.link("back", to: folder.path)
    let data = try load(LoadingOptions(followLinks: true))
    #expect(data.names == ["b/linked.png", "b/real.png", "c/deep/far.png"])
    #expect(data.skipped.map(\.path) == ["b/self"])
  }

  @Test func linksToFoldersElsewhereAreNotFollowedUnlessTold() throws {
    writePNG(0, "here.png")
    let elsewhere = TemporaryFolder()
    elsewhere.write(testImage(1).encodedPNG(), to: "far.png")
    folder.link("all", to: "/")
    folder.link("beside", to: elsewhere.path)
    // Its path begins as the folder's does.
    let twin = folder.path + "-twin"
    try FileManager.default.copyItem(atPath: elsewhere.path, toPath: twin)
    defer { try? FileManager.default.removeItem(atPath: twin) }
    folder.link("twin", to: twin)
    folder.link("file.png", to: elsewhere.file("far.png"))
    let data = try load()
    #expect(data.names == ["file.png", "here.png"])
    #expect(data.skipped.map(\.path) == ["all", "beside", "twin"])
    #expect(data.skipped.allSatisfy { $0.reason.contains("--follow-links") })
    #expect(throws: FileError.self) { try load(LoadingOptions(strict: true)) }
    unlink(folder.file("all"))
    #expect(
      try load(LoadingOptions(followLinks: true)).names
        == ["beside/far.png", "file.png", "here.png", "twin/far.png"])
  }

  @Test func runsAndWhatScanlineWroteAreLeftOut() throws {
    writePNG(0, "a.png")
    for name in ["config.json", "lock", "events/x"] { folder.write([1], to: "runs/one/\(name)") }
    writePNG(1, "runs/one/samples/epoch-001.png")
    for name in ["config.json", "weights.safetensors", "b.png"] {
      folder.write([1], to: "runs/moved/\(name)")
    }
    // A configuration makes no run by itself.
    folder.write([1], to: "other/config.json")
    writePNG(2, "other/c.png")
    folder.makeFolder("out")
    _ = try WrittenFiles.begin(in: folder.file("out"), isWhole: true)
    writePNG(3, "out/heatmaps/a.png.png")
    var some = try WrittenFiles.begin(in: folder.path, isWhole: false)
    try some.add("sheet.png", in: folder.path)
    writePNG(4, "sheet.png")
    let data = try load()
    #expect(data.names == ["a.png", "other/c.png"])
    #expect(data.skipped.map(\.path) == ["other/config.json"])
    #expect(data.leftOut.map(\.path) == ["out", "runs/moved", "runs/one", "sheet.png"])
    // Who names them means them; but a run is no data.
    #expect(try DataSet.load(folder.file("out")).names == ["heatmaps/a.png.png"])
    #expect(
      throws: FileError(
        folder.file("runs/one"), expected: "images", found: "a run of scanline")
    ) { try DataSet.load(folder.file("runs/one")) }
    #expect(
      throws: FileError(
        folder.file("runs"),
        problem:
          "expected PNG or JPEG images, found only what is left out; moved: a run of scanline")
    ) { try DataSet.load(folder.file("runs")) }
  }

  @Test func flawedFilesAreReadAndNamed() throws {
    // Between the JFIF segment and the first table.
    folder.write(smallJPEG.prefix(20) + [1, 2, 3] + smallJPEG.dropFirst(20), to: "a.jpg")
    folder.write(smallJPEG, to: "b.jpg")
    let data = try load(LoadingOptions(strict: true))
    #expect(data.image(at: 0) == data.image(at: 1))
    #expect(data.flawed.map(\.path) == ["a.jpg"])
    #expect(data.flawed.first?.reason.contains("3 extraneous bytes") == true)
    #expect(try DataSet.load(folder.file("a.jpg")).flawed == data.flawed)
  }

  @Test func otherFormatsAreNamedWithWhatConvertsThem() throws {
    writePNG(0, "good.png")
    let words = [
      "a.HEIC": "HEIC", "b.webp": "WebP", "c.bmp": "BMP", "d.tif": "TIFF", "e.gif": "GIF",
      "f.avif": "AVIF",
    ]
    for name in words.keys { folder.write([0], to: name) }
    // The name says one thing and the bytes another.
    folder.write(Array("RIFF".utf8) + [9, 0, 0, 0] + Array("WEBPVP8 ".utf8), to: "g.png")
    folder.write([0, 0, 0, 24] + Array("ftypheic".utf8) + [0, 0, 0, 0], to: "h.jpg")
    for file in try load().skipped {
      let word = words[file.path] ?? (file.path == "g.png" ? "WebP" : "HEIC")
      #expect(file.reason.contains(word) && file.reason.contains("convert"), "\(file)")
    }
    #expect(throws: FileError.self) { try DataSet.load(folder.file("h.jpg")) }
    #expect(try load().skipped.count == 8)
  }

  @Test(.timeLimit(.minutes(1))) func whatIsNoImageIsSkippedWithItsReason() throws {
    writePNG(0, "good.png")
    folder.write(Array("hello".utf8), to: "notes/readme.txt")
    folder.write([], to: "empty.png")
    mkfifo(folder.file("pipe.png"), 0o600)
    folder.link("nowhere.png", to: "gone.png")
    let odd = open(folder.path + "/" + "\u{7f}\n.png", O_CREAT | O_WRONLY, 0o600)
    close(odd)
    let data = try load()
    #expect(data.names == ["good.png"])
    #expect(
      data.skipped.map(\.path)
        == ["empty.png", "notes/readme.txt", "nowhere.png", "pipe.png", "\u{7f}\n.png"])
    let reasons = Dictionary(uniqueKeysWithValues: data.skipped.map { ($0.path, $0.reason) })
    #expect(reasons["notes/readme.txt"] == "not a PNG or JPEG file")
    #expect(reasons["pipe.png"] == "not a regular file")
    #expect(
      message(LoadingOptions(strict: true)) == folder.file("notes/readme.txt")
        + ": not a PNG or JPEG file")
  }

  @Test func aNameThatIsNotUTF8IsSkipped() throws {
    writePNG(0, "good.png")
    // /\xff.png
    let name =
      folder.path.utf8CString.dropLast() + [
        0x2f, CChar(truncatingIfNeeded: 0xff), 0x2e, 0x70, 0x6e, 0x67, 0,
      ]
    close(open(Array(name), O_CREAT | O_WRONLY, 0o600))
    let expected = FileRemark(path: "\u{FFFD}.png", reason: "its name is not UTF-8")
    #expect(try load().skipped == [expected])
  }

  // MARK: Shape

  @Test func colourAnywhereMakesAllColour() throws {
    for index in 0..<300 { writePNG(index, String(format: "%03d.png", index)) }
    #expect(try load().channels == 1)
    writePNG(7, "299.png", channels: 3)
    let data = try load()
    #expect(data.channels == 3)
    #expect(data.image(at: 0) == testImage(0).converted(toChannels: 3))
    #expect(data.image(at: 299) == testImage(7, channels: 3))
    #expect(try load(LoadingOptions(channels: 1)).channels == 1)
  }

  @Test func differingSizesAreNamed() throws {
    folder.write([1], to: "0.png")
    writePNG(0, "a.png")
    writePNG(1, "b.png", width: 9)
    #expect(
      message()
        == folder.path
        + ": expected one size, found 6x5 in a.png and 9x5 in b.png; choose one with --size WxH")
    #expect(try load(LoadingOptions(size: (width: 6, height: 5))).count == 2)
  }

  // MARK: Classes

  @Test func classesAreTheFirstSubfolders() throws {
    for (index, name) in ["tulip/a.png", "daisy/b.png", "daisy/sub/c.png", "loose.png"].enumerated()
    {
      writePNG(index, name)
    }
    folder.write([0], to: "empty/notes.txt")
    let data = try load(LoadingOptions(useClasses: true))
    #expect(data.classNames == ["daisy", "tulip"])
    #expect(data.names == ["daisy/b.png", "daisy/sub/c.png", "tulip/a.png"])
    #expect(data.labels == [0, 0, 1])
    #expect(data.skipped.map(\.path) == ["empty/notes.txt", "loose.png"])
    #expect(try load().labels == nil)
  }

  // MARK: Nothing to load

  @Test func nothingToLoadIsALine() throws {
    #expect(message() == folder.path + ": expected PNG or JPEG images, found an empty folder")
    folder.write([1, 2, 3], to: "a.png")
    folder.write([], to: "b.txt")
    let text = try #require(message())
    #expect(
      text.hasPrefix(folder.path + ": expected PNG or JPEG images, found none in 2 files; a.png: "))
    #expect(
      throws: FileError(folder.file("missing"), problem: "cannot open: No such file or directory")
    ) {
      try DataSet.load(folder.file("missing"))
    }
  }

  // MARK: Damage

  /// Writes 200 good files among 200 bad ones of every kind; answers what the good ones are of.
  private func writeDamagedFiles() -> [Image] {
    let good = (0..<200).map { testImage($0, height: 8, width: 8) }
    for (index, image) in good.enumerated() {
      folder.write(image.encodedPNG(), to: String(format: "%03d-good.png", index))
    }
    let png = good[0].encodedPNG()
    func write(_ index: Int, _ bytes: [UInt8]) {
      folder.write(bytes, to: String(format: "%03d-bad.png", index))
    }
    for index in 0..<80 { write(index, Array(png.prefix(png.count * index / 80))) }
    for index in 80..<160 {
      var flipped = png
      flipped[flipped.count * (index - 80) / 80] ^= 1 << UInt8(index % 8)
      write(index, flipped)
    }
    for index in 160..<180 {
      write(index, Array(smallJPEG.prefix(smallJPEG.count * (index - 160) / 20)))
    }
    for index in 180..<190 { write(index, Array("GIF89a, or so it says".utf8)) }
    for index in 190..<200 {
      // A sound header that claims more pixels than there is memory, or just fewer than the limit.
      let side = index % 2 == 0 ? 1 << 30 : 8000
      let header = Array("IHDR".utf8) + bigEndian(side) + bigEndian(side) + [8, 2, 0, 0, 0]
      let checksum = bigEndian(Int(crc32(header)))
      write(index, png[..<8] + bigEndian(13) + header + checksum + png[33...])
    }
    return good
  }

  @Test(.timeLimit(.minutes(1))) func damagedFilesLeaveTheGoodOnes() throws {
    let good = writeDamagedFiles()
    let data = try load()
    #expect(data.count == 200)
    #expect(data.pixels == good.flatMap(\.pixels))
    #expect(data.skipped.map(\.path) == (0..<200).map { String(format: "%03d-bad.png", $0) })
    for file in data.skipped { #expect(!file.reason.isEmpty && !file.reason.contains("\n")) }
    #expect(throws: FileError.self) { try load(LoadingOptions(strict: true)) }
  }

  /// In a process of its own, which holds nothing else.
  @Test func filesThatClaimMuchMemoryDoNotGetIt() async {
    await #expect(processExitsWith: .success) {
      let tests = FolderTests()
      _ = tests.writeDamagedFiles()
      _ = try tests.load()
      precondition(peakMemory() < 1 << 30, "\(peakMemory()) bytes")
    }
  }
}
