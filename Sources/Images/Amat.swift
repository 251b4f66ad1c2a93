import Files

/// The `.amat` text matrix of the binarized MNIST used in papers (Larochelle): one image a line,
/// numbers 0 … 1 separated by blanks.
///
/// A line has h² numbers, an h×h grey image (h ≥ 2), or as many as an image of the size asked for; or one
/// more, which is a label 0 … 255. The number v is the intensity 255 v, rounded.
enum Amat {
  /// - Parameter size: of the images, where a line has as many numbers; otherwise they are square.
  static func images(
    _ bytes: [UInt8], path: String, size: (width: Int, height: Int)? = nil
  ) throws -> DataSet {
    try bytes.withUnsafeBufferPointer { try images($0, path: path, size: size) }
  }

  private static func images(
    _ text: UnsafeBufferPointer<UInt8>, path: String, size: (width: Int, height: Int)?
  ) throws -> DataSet {
    var scanner = LineScanner(text)
    let columns = scanner.columnsOfFirstLine()
    guard columns > 0 else { throw FileError(path, expected: "lines of numbers", found: "none") }
    guard let (width, height, labelled) = layout(columns: columns, size) else {
      throw FileError(
        path,
        expected: "a square number of columns, as 784, or as many as --size WxH has pixels, or one"
          + " more for a label",
        found: "\(columns)")
    }

    var labels: [Int] = []
    var isBinary = true
    // A number takes a character and its separator at least.
    let pixels = try [UInt8](unsafeUninitializedCapacity: text.count / 2 + 1) { output, count in
      while scanner.beginLine() {
        for column in 0..<width * height {
          if let bit = scanner.bit() {
            output[count] = bit &* 255
          } else {
            guard let number = scanner.number(), (0...1).contains(number) else {
              throw scanner.error(path, column, expected: "a number 0 ... 1")
            }
            output[count] = UInt8((number * 255).rounded())
            isBinary = isBinary && (number == 0 || number == 1)
          }
          count += 1
        }
        if labelled {
          guard let number = scanner.number(), let label = UInt8(exactly: number) else {
            throw scanner.error(path, width * height, expected: "a label 0 ... 255")
          }
          labels.append(Int(label))
        }
        guard scanner.endLine() else {
          throw scanner.error(path, columns, expected: "the end of the line")
        }
      }
    }
    return DataSet(
      height: height, width: width, channels: 1, pixels: pixels,
      names: itemNames(of: path, count: pixels.count / (width * height)),
      levelsOfSource: isBinary ? 2 : 256
    ).with(labels: labelled ? labels : nil)
  }

  private static func layout(
    columns: Int, _ size: (width: Int, height: Int)?
  ) -> (width: Int, height: Int, labelled: Bool)? {
    let side = Int(Double(columns).squareRoot())
    for (width, height) in [size, side >= 2 ? (side, side) : nil].compactMap({ $0 }) {
      let pixels = width.multipliedReportingOverflow(by: height)
      guard !pixels.overflow else { continue }
      if pixels.partialValue == columns { return (width, height, false) }
      if pixels.partialValue == columns - 1 { return (width, height, true) }
    }
    return nil
  }
}

/// Walks through lines of numbers. A blank is a space, a tab or a carriage return.
private struct LineScanner {
  private let text: UnsafeBufferPointer<UInt8>
  private var position = 0
  /// Where the last thing looked at begins.
  private var start = 0

  init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

  /// Numbers in the first line that has any; moves nothing.
  func columnsOfFirstLine() -> Int {
    var scanner = self
    guard scanner.beginLine() else { return 0 }
    var columns = 0
    while !scanner.endLine() {
      scanner.skipToken()
      columns += 1
    }
    return columns
  }

  /// Moves to the next number, over line ends; false at the end of the text.
  mutating func beginLine() -> Bool {
    while position < text.count, isBlank(text[position]) || text[position] == newline {
      position += 1
    }
    return position < text.count
  }

  /// The next number where it is written "0" or "1": nearly all are, so this has to be quick.
  mutating func bit() -> UInt8? {
    while position < text.count, isBlank(text[position]) { position += 1 }
    guard position < text.count, text[position] & 0xfe == UInt8(ascii: "0"), endsToken(position + 1)
    else { return nil }
    position += 1
    return text[position - 1] & 1
  }

  /// The next number of this line, or nil where there is none.
  mutating func number() -> Double? {
    guard !endLine() else { return nil }
    skipToken()
    let token = text[start..<position]
    // What else Swift takes for a number: hexadecimal ones, and whatever comes before a zero byte.
    guard token.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }) else { return nil }
    return decimal(token) ?? Double(String(decoding: token, as: UTF8.self))
  }

  /// Whether nothing is left on this line.
  mutating func endLine() -> Bool {
    while position < text.count, isBlank(text[position]) { position += 1 }
    start = position
    return position == text.count || text[position] == newline
  }

  func error(_ path: String, _ column: Int, expected: String) -> FileError {
    var token = self
    token.position = start
    token.skipToken()
    let line = text[..<start].count { $0 == newline } + 1
    let found = text[start..<min(token.position, start + 20)]
    return FileError(
      path, expected: "\(expected) in line \(line), column \(column + 1)",
      found: found.isEmpty
        ? "the end of the line" : "\"\(String(decoding: found, as: UTF8.self))\"")
  }

  private mutating func skipToken() {
    while !endsToken(position) { position += 1 }
  }

  private func endsToken(_ index: Int) -> Bool {
    index >= text.count || isBlank(text[index]) || text[index] == newline
  }
}

private let newline = UInt8(ascii: "\n")

private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }

/// A number of up to 15 digits with at most one point, the common form, without the cost of a string;
/// nil for any other.
private func decimal(_ token: Slice<UnsafeBufferPointer<UInt8>>) -> Double? {
  guard (1...16).contains(token.count) else { return nil }
  var digits = 0.0
  var scale = 1.0
  var digitCount = 0
  var pointSeen = false
  for byte in token {
    if byte == UInt8(ascii: "."), !pointSeen {
      pointSeen = true
    } else if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), digitCount < 15 {
      digits = digits * 10 + Double(byte - UInt8(ascii: "0"))
      digitCount += 1
      if pointSeen { scale *= 10 }
    } else {
      return nil
    }
  }
  return digitCount > 0 ? digits / scale : nil  // both exact below 2^53: rounded once
}
