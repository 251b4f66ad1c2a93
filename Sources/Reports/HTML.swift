/// Text made safe within an element or a quoted attribute. Control characters, which a page cannot
/// show, become their pictures (␀ … ␟, ␡).
func escaped(_ text: String) -> String {
  var html = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": html += "&amp;"
    case "<": html += "&lt;"
    case ">": html += "&gt;"
    case "\"": html += "&quot;"
    case "'": html += "&#39;"
    case "\u{0}"..."\u{1F}": html.unicodeScalars.append(Unicode.Scalar(0x2400 + scalar.value)!)
    case "\u{7F}": html += "\u{2421}"
    default: html.unicodeScalars.append(scalar)
    }
  }
  return html
}

/// Words as they would be typed into a shell.
package func shellLine(_ words: [String]) -> String {
  words.map { word in
    let plain = word.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || ("0"..."9").contains($0)
        || "-_./=:,+@%".unicodeScalars.contains($0)
    }
    guard !plain || word.isEmpty else { return word }
    return "'" + word.unicodeScalars.map { $0 == "'" ? #"'\''"# : String($0) }.joined() + "'"
  }.joined(separator: " ")
}

/// A string in JSON within an element of a page: no `<` that could end the element.
func scriptString(_ text: String) -> String {
  var json = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": json += "\\\""
    case "\\": json += "\\\\"
    case "\u{0}"..."\u{1F}", "\u{7F}", "\u{2028}", "\u{2029}", "<", ">", "&":
      let digits = String(scalar.value, radix: 16)
      json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: json.unicodeScalars.append(scalar)
    }
  }
  return json + "\""
}

/// A number with a comma before each three digits: 10,000.
func grouped(_ count: Int) -> String {
  var text = String(count)
  var end = text.endIndex
  while let comma = text.index(end, offsetBy: -3, limitedBy: text.startIndex),
    comma > text.startIndex
  {
    text.insert(",", at: comma)
    end = comma
  }
  return text
}
