import Foundation

/// Real images, absent from most checkouts.
public enum SharedData {
  public static let folder =
    ProcessInfo.processInfo.environment["SCANLINE_DATA"]
    ?? URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../shared/data")
    .standardized
    .path

  public static func has(_ file: String) -> Bool {
    FileManager.default.fileExists(atPath: folder + "/" + file)
  }
}
