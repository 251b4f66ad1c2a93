extension String {
  /// The string in single quotes, short enough for an error line.
  var quoted: String {
    // Scalars, because one character can be a megabyte of accents.
    let start = unicodeScalars.prefix(60)
    return start.endIndex == endIndex ? "'\(self)'" : "'\(start)…'"
  }
}

extension [Int] {
  /// A shape, short enough for an error line.
  var brief: String { count > 8 ? "[\(count) sides]" : "\(self)" }
}
