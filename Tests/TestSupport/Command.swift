import Foundation
import Testing

/// The command as it is built beside the tests.
public enum Command {
  public static let path: String? = {
    let tests = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    let path = tests.deletingLastPathComponent().appendingPathComponent("scanline").path
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }()

  public static let missing: Comment =
    "the command scanline is not beside the tests: swift build first"
}
