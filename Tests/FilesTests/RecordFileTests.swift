import Files
import Foundation
import TestSupport
import Testing

/// Records that a killed process or a power cut may leave half written.
@Suite struct RecordFileTests {
  let folder = TemporaryFolder()
  private var path: String { folder.file("records") }
  private let records: [[UInt8]] = [[], [1], [UInt8](repeating: 7, count: 300), [2, 3]]

  private func write() throws {
    let file = try RecordFile.begin(path, kind: "TESTKIND")
    for record in records { try file.append(record) }
    try file.flush()
  }

  private func read() throws -> [[UInt8]] {
    var found: [[UInt8]] = []
    try RecordFile.visit(path, kind: "TESTKIND") { found.append(Array($0)) }
    return found
  }

  private func resume(keeping count: Int = .max) throws -> (RecordFile, kept: Int) {
    var kept = 0
    let file = try RecordFile.resume(path, kind: "TESTKIND") { _ in
      guard kept < count else { return false }
      kept += 1
      return true
    }
    return (file, kept)
  }

  @Test func whatIsWrittenIsRead() throws {
    try write()
    #expect(try read() == records)
    let (file, kept) = try resume()
    #expect(kept == 4)
    try file.append([9])
    try file.flush()
    #expect(try read() == records + [[9]])
  }

  @Test("a file that ends anywhere goes on after its last whole record")
  func cutAnywhere() throws {
    try write()
    let whole = try bytes(of: path)
    // Of what begins each record; the last ends with the file.
    let ends = records.reduce(into: [8]) { ends, record in
      ends.append(ends.last! + 8 + record.count)
    }
    #expect(ends.last == whole.count)
    for length in whole.indices {
      try Data(whole[..<length]).write(to: URL(fileURLWithPath: path))
      let (file, kept) = try resume()
      #expect(kept == max(0, ends.count { $0 <= length } - 1), "\(length) bytes")
      try file.append([42])
      try file.flush()
      #expect(try read() == records.prefix(kept) + [[42]], "\(length) bytes")
    }
  }

  @Test("a record that was damaged ends the file")
  func damage() throws {
    try write()
    let whole = try bytes(of: path)
    for place in 8..<whole.count {
      var damaged = whole
      damaged[place] ^= 0x10
      try Data(damaged).write(to: URL(fileURLWithPath: path))
      let found = try read()
      #expect(found.count < records.count && found == Array(records.prefix(found.count)))
    }
  }

  @Test func recordsThatAreNotKeptAreGone() throws {
    try write()
    let (file, kept) = try resume(keeping: 2)
    #expect(kept == 2)
    try file.append([5])
    try file.flush()
    #expect(try read() == [[], [1], [5]])
  }

  @Test func anotherFileIsNoneOfRecords() throws {
    for contents in ["no records at all", "TESTKINE", "x"] {
      folder.write(Array(contents.utf8), to: "records")
      for attempt in [{ _ = try self.resume() }, { _ = try self.read() }] {
        #expect { try attempt() } throws: { "\($0)".contains("expected a journal") }
      }
      #expect(try bytes(of: path) == Array(contents.utf8))
    }
  }

  @Test func oneProcessAtATime() throws {
    try write()
    let (file, _) = try resume()
    #expect { _ = try self.resume() } throws: { "\($0)".contains("another scanline") }
    withExtendedLifetime(file) {}
  }
}
