import Files
import Images
import TestSupport
import Testing

@Suite struct FormatTests {
  let folder = TemporaryFolder()
  let values = (0..<24).map { UInt8($0 * 10) }

  // MARK: IDX

  @Test func idxImagesAndTheLabelsBesideThem() throws {
    let path = folder.write(idx([2, 3, 4], values), to: "train-images-idx3-ubyte")
    folder.write(gzip(idx([2], [7, 2])), to: "train-labels-idx1-ubyte.gz")
    let data = try DataSet.load(path, options: LoadingOptions(useClasses: true))
    #expect(data.shape == [2, 3, 4, 1])
    #expect(data.pixels == values)
    #expect(data.names == ["train-images-idx3-ubyte#0", "train-images-idx3-ubyte#1"])
    #expect(data.labels == [7, 2])
    #expect(data.classNames == (0...7).map(String.init))
    #expect(data.levelsOfSource == 256)
    #expect(try DataSet.load(path).labels == nil)
  }

  @Test func idxInColour() throws {
    let data = try DataSet.load(folder.write(idx([2, 2, 2, 3], values), to: "colour"))
    #expect(data.shape == [2, 2, 2, 3])
    #expect(data.pixels == values)
  }

  // MARK: CIFAR

  @Test(arguments: [1, 2]) func cifarPlanesBecomePixels(labelBytes: Int) throws {
    let area = 32 * 32
    let planes = (0..<3 * area).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 >> 8) }
    let records: [UInt8] =
      Array([19, 9].suffix(labelBytes)) + planes + Array([0, 3].suffix(labelBytes))
      + planes.reversed()
    let path = folder.write(gzip(records), to: "batch.bin.gz")
    let data = try DataSet.load(path, options: LoadingOptions(useClasses: true))
    #expect(data.shape == [2, 32, 32, 3])
    for at in [0, 1, 500, area - 1] {
      #expect(
        Array(data.pixels[3 * at..<3 * at + 3])
          == [planes[at], planes[area + at], planes[2 * area + at]])
    }
    #expect(data.pixels[3 * area] == planes[3 * area - 1])
    #expect(data.labels == [9, 3])
    #expect(data.classNames.count == (labelBytes == 1 ? 10 : 100))
  }

  // MARK: amat

  @Test(arguments: [
    "0 1 1 0\n1 1 0 0\n", "0 1 1 0\n1 1 0 0", "\n0 1 1 0 \r\n\n1\t1  0 0\r\n\r\n",
    "0.0 1.000 1e0 0\n1 1.0 .0 0.\n",
  ]) func amatOfZerosAndOnes(text: String) throws {
    let data = try DataSet.load(folder.write(Array(text.utf8), to: "matrix.amat"))
    #expect(data.shape == [2, 2, 2, 1])
    #expect(data.pixels == [0, 255, 255, 0, 255, 255, 0, 0])
    #expect(data.levelsOfSource == 2)
    #expect(data.names == ["matrix.amat#0", "matrix.amat#1"])
  }

  /// A line of any length, where the size is given.
  @Test(arguments: ["0 1 1 0 0 1\n1 1 0 0 0 0", "0 1 1 0 0 1 3\n1 1 0 0 0 0 4"])
  func amatOfAnySize(text: String) throws {
    let path = folder.write(Array(text.utf8), to: "matrix.amat")
    let hasLabels = text.contains("3")
    let data = try DataSet.load(
      path, options: LoadingOptions(size: (width: 3, height: 2), useClasses: hasLabels))
    #expect(data.count == 2 && data.width == 3 && data.height == 2)
    #expect(data.pixels == [0, 255, 255, 0, 0, 255, 255, 255, 0, 0, 0, 0])
    #expect(data.labels == (hasLabels ? [3, 4] : nil))
  }

  @Test func amatOfIntensitiesWithLabels() throws {
    let text = "0 0.5 1 2.5e-1 3.000\n0.00392 0.00197 0.00195 0.123456789012345678 0\n"
    let path = folder.write(gzip(Array(text.utf8)), to: "matrix.AMAT.gz")
    let data = try DataSet.load(path, options: LoadingOptions(useClasses: true))
    #expect(data.pixels == [0, 128, 255, 64, 1, 1, 0, 31])
    #expect(data.labels == [3, 0])
    #expect(data.classNames == ["0", "1", "2", "3"])
    #expect(data.levelsOfSource == 256)
  }

  @Test func amatRowsOfAnyLengthGoWithTheirSize() throws {
    let rows = ["0 1 1 0 1 1", "1 0 0 0 0 1"]
    func load(_ rows: [String], width: Int, height: Int) throws -> DataSet {
      try DataSet.load(
        folder.write(Array(rows.joined(separator: "\n").utf8), to: "matrix.amat"),
        options: LoadingOptions(size: (width, height), useClasses: rows[0].count > 11))
    }
    for (width, height) in [(3, 2), (2, 3), (6, 1)] {
      let data = try load(rows, width: width, height: height)
      #expect(data.shape == [2, height, width, 1])
      #expect(data.pixels == [0, 255, 255, 0, 255, 255, 255, 0, 0, 0, 0, 255])
      #expect(data.levelsOfSource == 2)
      #expect(try load(rows.map { $0 + " 4" }, width: width, height: height).labels == [4, 4])
    }
    // A row of another length is square and resized, as ever.
    #expect(try load(["0 1 1 0"], width: 3, height: 2).shape == [1, 2, 3, 1])
    #expect(throws: FileError.self) { try load(rows, width: 4, height: 2) }
  }

  // MARK: npy

  @Test(arguments: [1, 2, 3] as [UInt8]) func npyOfBytes(version: UInt8) throws {
    func load(_ shape: String) throws -> DataSet {
      try DataSet.load(folder.write(npy("|u1", shape, values, version: version), to: "a.npy"))
    }
    for (shape, found) in [
      ("4, 6", [1, 4, 6, 1]), ("2, 3, 4", [2, 3, 4, 1]), ("2, 2, 2, 3", [2, 2, 2, 3]),
      ("2, 4, 3, 1", [2, 4, 3, 1]), ("2,1,3,4", [2, 3, 4, 1]),
    ] {
      let data = try load(shape)
      #expect(data.shape == found)
      #expect(data.pixels == values)
    }
    let planar = try load("2, 3, 2, 2")
    #expect(planar.shape == [2, 2, 2, 3])
    #expect(planar.pixels.prefix(6) == [0, 40, 80, 10, 50, 90])
    #expect(planar.pixels.suffix(3) == [150, 190, 230])
  }

  @Test func npyOfOtherTypes() throws {
    func load(_ type: String, _ bytes: [UInt8]) throws -> DataSet {
      try DataSet.load(folder.write(gzip(npy(type, "1, 2, 2", bytes)), to: "a.npy.gz"))
    }
    let truths = try load("|b1", [0, 1, 1, 0])
    #expect(truths.pixels == [0, 255, 255, 0])
    #expect(truths.levelsOfSource == 2)
    let numbers = [0, 1, 0.5, 0.002]
    for data in [
      try load("<f4", numbers.flatMap { littleEndian(Int(Float($0).bitPattern), bytes: 4) }),
      try load("<f8", numbers.flatMap { littleEndian(Int($0.bitPattern), bytes: 8) }),
    ] {
      #expect(data.pixels == [0, 255, 128, 1])
      #expect(data.levelsOfSource == 256)
    }
  }

  // MARK: All formats

  @Test func gzipOfSeveralMembers() throws {
    let bytes = idx([2, 3, 4], values)
    let path = folder.write(gzip(Array(bytes[..<9])) + gzip(Array(bytes[9...])), to: "images.gz")
    #expect(try DataSet.load(path).pixels == values)
    // The last member's length, the first guess at the whole's, is too small.
    let header = Array(idx([1033, 1, 1], []))
    let zeros = folder.write(gzip(header) + gzipBomb(matches: 4), to: "zeros.gz")
    #expect(try DataSet.load(zeros).pixels == [UInt8](repeating: 0, count: 1033))
  }

  @Test func everySourceIsFittedInTheSameWay() throws {
    let images = [testImage(1, channels: 3), testImage(2, channels: 3)]
    folder.write(images[0].encodedPNG(), to: "pictures/0.png")
    folder.write(images[1].encodedPNG(), to: "pictures/1.png")
    let pixels = images.flatMap(\.pixels)
    folder.write(idx([2, 5, 6, 3], pixels), to: "array")
    folder.write(npy("|u1", "2, 5, 6, 3", pixels), to: "array.npy")
    let options = LoadingOptions(size: (width: 4, height: 7), channels: 1)
    let expected = images.flatMap {
      $0.converted(toChannels: 1).resized(height: 7, width: 4).pixels
    }
    for source in ["pictures", "array", "array.npy"] {
      let data = try DataSet.load(folder.file(source), options: options)
      #expect(data.shape == [2, 7, 4, 1])
      #expect(data.pixels == expected)
    }
    let single = try DataSet.load(folder.file("pictures/1.png"), options: options)
    #expect(single.pixels == expected.suffix(28))
    #expect(single.names == ["1.png"])
  }

  @Test func aResizedBinarySourceIsGrey() throws {
    let path = folder.write(Array("0 1 1 0".utf8), to: "matrix.amat")
    func levels(_ options: LoadingOptions) throws -> Int {
      try DataSet.load(path, options: options).levelsOfSource
    }
    #expect(try levels(LoadingOptions(channels: 3)) == 2)
    #expect(try levels(LoadingOptions(size: (width: 3, height: 3))) == 256)
  }
}
