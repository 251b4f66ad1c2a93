import Foundation

/// Writes a file as a whole or not at all: through a temporary file beside it, which then takes its
/// name. A link keeps its place and its target is replaced; a device or a pipe is written to, never
/// replaced. Throws a `WholeFileError`.
package func writeWhole(_ data: Data, to path: String) throws(WholeFileError) {
  let url = URL(fileURLWithPath: path)
  var status = stat()
  let exists = stat(path, &status) == 0
  do {
    if exists, status.st_mode & S_IFMT != S_IFREG {
      let file = try FileHandle(forWritingTo: url)
      try file.write(contentsOf: data)
      try file.close()
    } else {
      try data.write(to: exists ? url.resolvingSymlinksInPath() : url, options: .atomic)
    }
  } catch {
    throw WholeFileError(reason: fileReason(error))
  }
}

/// Why a file could not be written, in the system's words.
package struct WholeFileError: Error {
  package let reason: String
}

/// The system's own words for an error of Foundation's file functions, where it kept them.
func fileReason(_ error: any Error) -> String {
  let error = error as NSError
  let cause = (error.userInfo[NSUnderlyingErrorKey] as? any Error).map { $0 as NSError } ?? error
  guard cause.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
  return String(cString: strerror(Int32(cause.code)))
}
