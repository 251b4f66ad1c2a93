import Foundation
import Images
import TestSupport
import Testing

@Suite struct NumPyFileTests {
  let folder = TemporaryFolder()
  private var path: String { folder.file("a.npy") }

  private func item(_ index: Int) -> [Float] { (0..<12).map { Float(index * 12 + $0) / 60 } }

  /// By the reader of images: what v is there is the intensity 255 v.
  private func expectItems(_ count: Int) throws {
    let data = try DataSet.load(path)
    #expect(data.count == count && data.height == 2 && data.width == 2 && data.channels == 3)
    let expected = (0..<count).flatMap(item).map { UInt8((Double($0) * 255).rounded()) }
    #expect(data.pixels == expected)
    #expect(try bytes(of: path).count == 128 + count * 48)
  }

  @Test func itIsRead() throws {
    let file = try NumPyFile(path, item: [2, 2, 3])
    for index in 0..<5 { try file.append(item(index)) }
    #expect(access(path, F_OK) != 0)
    try file.finish()
    try expectItems(5)
    #expect(access(path + ".part", F_OK) != 0)
    let text = String(decoding: try bytes(of: path)[10..<127], as: UTF8.self)
    #expect(text.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (5, 2, 2, 3), }"))
  }

  @Test("one that was left half written goes on after its last whole item")
  func resumed() throws {
    do {
      let file = try NumPyFile(path, item: [2, 2, 3])
      for index in 0..<3 { try file.append(item(index)) }
      try file.flush()
    }
    let part = try bytes(of: path + ".part")
    try Data(part.dropLast(5)).write(to: URL(fileURLWithPath: path + ".part"))
    let file = try NumPyFile(path, item: [2, 2, 3], resume: true)
    #expect(file.count == 2)
    try file.cut(to: 1)
    for index in 1..<4 { try file.append(item(index)) }
    try file.finish()
    try expectItems(4)
    // And one that was whole already.
    let again = try NumPyFile(path, item: [2, 2, 3], resume: true)
    #expect(again.count == 4)
    try again.append(item(4))
    try again.finish()
    try expectItems(5)
  }
}
