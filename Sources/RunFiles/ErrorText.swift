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

/// What a value of this type is called by people who do not read Swift.
func words(for type: Any.Type) -> String {
  switch type {
  case is String.Type: "a string"
  case is Bool.Type: "true or false"
  case is any UnsignedInteger.Type: "a whole number from 0"
  case is any FixedWidthInteger.Type: "a whole number"
  case is any BinaryFloatingPoint.Type: "a number"
  // As Foundation names what it looks for in their place.
  case is any Collection.Type: "\(type)".hasPrefix("Dictionary") ? "an object" : "an array"
  default: "a value"
  }
}
