import Files

/// Runs `read`, which either succeeds or throws an error of one short line.
func refusedInOneLine(_ read: () throws -> Void) {
  do {
    try read()
  } catch {
    let line = "\(error)"
    precondition(error is FileError && line.count < 2000 && !line.contains(where: \.isNewline))
  }
}
