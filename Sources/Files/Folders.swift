import Foundation

/// Makes the folder at `path` and those above it, where they are missing. Throws a `FileError`.
package func makeFolder(_ path: String) throws(FileError) {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw FileError(path, cannot: "create", error)
  }
}
