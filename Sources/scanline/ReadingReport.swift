import Reports

extension ReadingReport {
  /// Writes the table of unreadable files beside an output, and says so. Throws a `FileError`.
  func write(beside output: String, overwrite: Bool, _ console: Console) throws {
    if let path = try write(beside: output, overwrite: overwrite) { tell(path, console) }
  }

  /// The same to a place that is scanline's own.
  func write(to path: String, _ console: Console) throws {
    if try write(to: path) { tell(path, console) }
  }

  private func tell(_ path: String, _ console: Console) {
    console.note("\(path) names \(counted(unreadable.count, "unreadable file"))")
  }
}

/// A result together with what is told of the files read, as one object.
struct WithReading<Result: Encodable>: Encodable {
  let result: Result
  let reading: ReadingReport

  init(_ result: Result, _ reading: ReadingReport) {
    self.result = result
    self.reading = reading
  }

  func encode(to encoder: any Encoder) throws {
    try result.encode(to: encoder)
    try reading.encode(to: encoder)
  }
}
