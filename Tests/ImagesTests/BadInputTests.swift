import Files
import Images
import TestSupport
import Testing

/// Array files that are cut short, that lie about their size, or that are not what they seem: each is
/// refused with one line that names the file.
@Suite struct BadInputTests {
  let folder = TemporaryFolder()

  /// Why `bytes` cannot be loaded, or nil if they can.
  private func refusal(
    _ bytes: [UInt8], as file: String, _ options: LoadingOptions = LoadingOptions(),
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> String? {
    let path = folder.write(bytes, to: file)
    do {
      _ = try DataSet.load(path, options: options)
      return nil
    } catch {
      let line = "\(error)"
      #expect(line.hasPrefix(path + ": "), sourceLocation: sourceLocation)
      #expect(!line.contains("\n"), sourceLocation: sourceLocation)
      #expect(line.count < path.count + 250, sourceLocation: sourceLocation)
      return String(line.dropFirst(path.count + 2))
    }
  }

  // MARK: Cut short

  @Test func everyCutIsNoticed() {
    let values = [UInt8](0..<24)
    let whole: [(String, [UInt8])] = [
      ("a.idx", idx([2, 3, 4], values)), ("b.idx", idx([2, 2, 2, 3], values)),
      ("c.npy", npy("|u1", "2, 3, 4", values)), ("d.npy", npy("<f4", "1, 3, 2", values)),
      ("e.gz", gzip(idx([2, 3, 4], values))), ("f.gz", gzipBomb(matches: 3)),
    ]
    for (file, bytes) in whole {
      for length in 0..<bytes.count {
        #expect(refusal(Array(bytes.prefix(length)), as: file) != nil, "\(file), \(length) bytes")
      }
      #expect(refusal(bytes, as: file) == nil || file == "f.gz")
    }
  }

  @Test func everyCutOfARecordIsNoticed() {
    let records = [UInt8](repeating: 3, count: 2 * 3073)
    for length in Array(0..<9) + [3071, 3072, 3075, 3076, 6143, 6144, 6145] {
      #expect(refusal(Array(records.prefix(length)), as: "a.bin") != nil, "\(length) bytes")
    }
    let lines = "0 1 1 0\n1 0 0 1"
    for length in 0..<lines.count where length != 7 && length != 8 {
      #expect(refusal(Array(lines.utf8.prefix(length)), as: "a.amat") != nil, "\(length) bytes")
    }
  }

  @Test func damagedGzipIsNoticed() {
    let whole = gzip(idx([2, 2, 2], [UInt8](0..<8)))
    // Bytes 4 ..< 10 hold a time and a system and byte 10 five bits of padding: nobody checks them.
    for at in whole.indices where !(4...10).contains(at) {
      var bytes = whole
      bytes[at] ^= 0x10
      #expect(refusal(bytes, as: "a.gz") != nil, "byte \(at)")
    }
    #expect(refusal(whole + [0], as: "a.gz") != nil)
  }

  // MARK: Counts that lie

  @Test(arguments: [
    [2, 3, 5], [3, 3, 4], [0, 3, 4], [2, 0, 4], [24], [2, 12], [2, 3, 2, 2],
    [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 3], [0x8000_0000, 0x8000_0000, 4],
  ]) func idxShapesThatDoNotFit(shape: [Int]) {
    #expect(refusal(idx(shape, [UInt8](0..<24)), as: "a.idx")?.contains("\(shape)") == true)
  }

  @Test func idxOfAnotherTypeOrWithBadLabels() {
    var floats = idx([1, 2, 2], [UInt8](repeating: 0, count: 16))
    floats[2] = 0x0d
    #expect(refusal(floats, as: "a.idx") == "expected IDX of type 8 (unsigned byte), found type 13")
    let classes = LoadingOptions(useClasses: true)
    let images = idx([2, 1, 1], [1, 2])
    #expect(refusal(images, as: "a.idx", classes) != nil)
    #expect(refusal(images, as: "x-images-idx3-ubyte", classes) != nil)
    let labels = folder.write(idx([3], [1, 2, 3]), to: "x-labels-idx1-ubyte")
    #expect(throws: FileError(labels, problem: "expected 2 labels, found 3")) {
      try DataSet.load(folder.file("x-images-idx3-ubyte"), options: classes)
    }
    #expect(refusal(idx([2], [1, 2]), as: "labels") != nil)
  }

  @Test(arguments: [
    "2, 3, 5", "0, 3, 8", "24", "", "2, 2, 2, 3, 1", "2, 3, -4", "2, 3, x", "2, 4, 3",
    "8, 1, 1, 3", "9223372036854775807, 2, 2", "4294967296, 4294967296, 4",
    "99999999999999999999, 1, 2", "-1, -24, 5", "2, 2, 6, 1, 1",
  ]) func npyShapesThatDoNotFit(shape: String) {
    #expect(refusal(npy("|u1", shape, [UInt8](0..<24)), as: "a.npy") != nil)
  }

  @Test func npyOfOtherKinds() throws {
    let values = [UInt8](0..<24)
    for type in [">f4", "<i4", "|S1", "<u2", "O", ""] {
      #expect(refusal(npy(type, "2, 3, 4", values), as: "a.npy") != nil)
    }
    func text(_ header: String) -> [UInt8] {
      [0x93] + "NUMPY".utf8 + [1, 0] + littleEndian(header.utf8.count, bytes: 2) + header.utf8
        + values
    }
    let fortran = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }"
    #expect(refusal(text(fortran), as: "a.npy") == "expected C order, found fortran_order True")
    for header in ["", "{}", "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (24,)}"] {
      #expect(refusal(text(header), as: "a.npy")?.contains("npy header") == true)
    }
    #expect(refusal(npy("|u1", "2, 3, 4", values, version: 9), as: "a.npy") != nil)
  }

  @Test func npyValuesOutOfRange() {
    for number in [-0.001, 1.001, .nan, .infinity, -.infinity] as [Double] {
      let bits = littleEndian(Int(bitPattern: UInt(number.bitPattern)), bytes: 8)
      let zero = [UInt8](repeating: 0, count: 8)
      let found = refusal(npy("<f8", "1, 2", zero + bits), as: "a.npy")
      #expect(found == "expected floating-point values 0 ... 1, found \(number) at index 1")
    }
    #expect(
      refusal(npy("|b1", "1, 2", [1, 2]), as: "a.npy")
        == "expected bool values 0 or 1, found 2 at index 1")
    #expect(
      refusal(npy("|u1", "1, 2", [1, 0]), as: "a.npy")
        == "expected uint8 values 0 ... 255, found only 0 and 1; save as bool")
  }

  @Test(arguments: [
    ("0 1 1 0\n1 0 0", "expected a number 0 ... 1 in line 2, column 4, found the end of the line"),
    ("0 1 1 0\n\n1 0 0 1 1", "expected the end of the line in line 3, column 5, found \"1\""),
    ("0 1 x 0", "expected a number 0 ... 1 in line 1, column 3, found \"x\""),
    ("0 1 2 0", "expected a number 0 ... 1 in line 1, column 3, found \"2\""),
    ("0 1 -1e-9 0", "expected a number 0 ... 1 in line 1, column 3, found \"-1e-9\""),
    ("0 1 nan 0", "expected a number 0 ... 1 in line 1, column 3, found \"nan\""),
    ("0 1 . 0", "expected a number 0 ... 1 in line 1, column 3, found \".\""),
    ("0 1 1 0 256", "expected a label 0 ... 255 in line 1, column 5, found \"256\""),
    ("0 1 1 0 1.5", "expected a label 0 ... 255 in line 1, column 5, found \"1.5\""),
    ("0 1 0x1 0", "expected a number 0 ... 1 in line 1, column 3, found \"0x1\""),
    ("0 1 0x1p-2 0", "expected a number 0 ... 1 in line 1, column 3, found \"0x1p-2\""),
    ("0 1 1\u{0} 0", "expected a number 0 ... 1 in line 1, column 3, found \"1\\0\""),
    (
      "1 1 1",
      "expected a square number of columns, as 784, or as many as --size WxH has pixels, or one more"
        + " for a label, found 3"
    ),
    (" \n\r\n", "expected lines of numbers, found none"),
  ]) func amatLinesThatDoNotFit(text: String, line: String) {
    #expect(refusal(Array(text.utf8), as: "a.amat") == line)
  }

  @Test func cifarLabelsOutOfRange() {
    let pixels = [UInt8](repeating: 200, count: 3072)
    #expect(
      refusal([9] + pixels + [10] + pixels, as: "a.bin")
        == "expected a label 0 ..< 10 in record 1, found 10")
    #expect(
      refusal([19, 100] + pixels, as: "a.bin")
        == "expected a label 0 ..< 100 in record 0, found 100")
  }

  // MARK: Not what it seems

  @Test func otherFilesAreRefused() {
    #expect(refusal([], as: "a.png")?.hasSuffix("found an empty file") == true)
    #expect(refusal(Array("GIF89a".utf8), as: "a.gif")?.hasSuffix("another kind of file") == true)
    #expect(
      refusal(testImage(0).encodedPNG(), as: "a.png", LoadingOptions(useClasses: true)) != nil)
    #expect(refusal(Array(testImage(0).encodedPNG().dropLast(3)), as: "a.png") != nil)
  }

  @Test(.timeLimit(.minutes(1))) func devicesAreRefused() {
    #expect(throws: FileError("/dev/zero", expected: "a regular file", found: "a pipe or device")) {
      try DataSet.load("/dev/zero")
    }
  }

  @Test func moreThanMemoryIsRefused() {
    let path = folder.write(idx([2, 1, 1], [1, 2]), to: "a.idx")
    let options = LoadingOptions(size: (width: 1 << 30, height: 1 << 30))
    #expect(throws: FileError.self) { try DataSet.load(path, options: options) }
  }
}
