import Foundation

/// Makes the folder at `path` and those above it, where they are missing. Throws a `FileError`.
package func makeFolder(_ path: String) throws(FileError) {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw FileError(path, cannot: "create", error)
  }
}

/// The path of what exists at `path`, from the root of the file system and without links; nil where
/// nothing does.
package func wholePath(_ path: String) -> String? {
  guard let whole = realpath(path, nil) else { return nil }
  defer { free(whole) }
  return String(cString: whole)
}
