import Foundation
import TestSupport
import Testing
import Training

/// `train --flip --shift --rotate`, as a person types it.
@Suite(.serialized, .enabled(if: Command.path != nil, Command.missing))
struct AugmentationCommandTests {
  let folder = TemporaryFolder()

  private func run(_ words: String) throws -> (status: Int32, out: String, error: String) {
    let end = try RunningCommand(
      words.split(separator: " ").map {
        $0.hasPrefix("@") ? folder.file("\($0.dropFirst())") : "\($0)"
      }
    ).end()
    return (end.status, end.out, end.error)
  }

  private let model = "--model nade --set hidden=5 --binarize threshold --epochs 2 --quiet"

  @Test func itIsRecordedShownAndGoneOnWith() throws {
    try writePictures(40, width: 5, height: 5, to: folder.file("pictures.npy"))
    let flags = "--flip --shift 2 --rotate"
    #expect(try run("train @pictures.npy --run @run \(model) \(flags)").status == 0)
    let configuration = try String(contentsOfFile: folder.file("run/config.json"), encoding: .utf8)
    #expect(configuration.contains("\"augmentation\""))
    #expect(
      try run("info @run").out.contains(", images mirrored, turned, shifted by up to 2\n"))
    // The same flags or none go on with it, others do not.
    #expect(try run("train @pictures.npy --run @run --resume --quiet \(flags)").status == 0)
    let refused = try run("train @pictures.npy --run @run --resume --quiet --shift 1")
    #expect(refused.status == 1)
    #expect(refused.error.contains("--shift: expected 2, with which the run was begun, found 1"))

    #expect(try run("train @pictures.npy --run @plain \(model)").status == 0)
    let begun = try run("train @pictures.npy --run @plain --resume --quiet --flip")
    #expect(begun.status == 1)
    #expect(begun.error.contains("--flip: expected none, with which the run was begun, found it"))
    #expect(!(try run("info @plain").out.contains("mirrored")))
  }

  @Test(arguments: [
    ("--rotate \(Self.nade)", "--rotate: expected square images, found 6x5"),
    ("--shift 5 \(Self.nade)", "--shift: expected less than the sides 6x5, found 5"),
    ("--flip --shift 1 --model gaussian", "--flip, --shift: expected none with --model gaussian"),
    ("--flip --crop 4x4", "--flip: expected none where crops are learned"),
    ("--shift -1 \(Self.nade)", "--shift: expected 0 ... 4096, found -1"),
  ])
  func whereItCannotWorkItSaysSo(_ words: String, _ line: String) throws {
    try writePictures(16, width: 6, height: 5, to: folder.file("pictures.npy"))
    let end = try run("train @pictures.npy --run @run --quiet \(words)")
    #expect(end.status != 0 && end.out.isEmpty)
    #expect(end.error.contains(line), "\(end.error)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("run/config.json")))
  }

  private static let nade = "--model nade --binarize threshold"
}
