import ArgumentParser

/// The words of the command line, as their writer means them and the parser would not take them.
func understood(_ words: [String]) throws -> [String] {
  if words.first == "help", words.count > 1 {
    let verbs = Scanline.configuration.subcommands.map { verb in
      verb.configuration.commandName ?? "\(verb)".lowercased()
    }
    guard verbs.contains(words[1]) else {
      throw ValidationError(
        "help: expected one of \(verbs.joined(separator: ", ")), found \(words[1])")
    }
  }
  var result: [String] = []
  for word in words {
    // A negative number is a value, if a wrong one; the parser takes it for a flag that there is not.
    if let flag = result.last, flag.hasPrefix("--"), !flag.contains("="), isNegative(word) {
      result[result.count - 1] = "\(flag)=\(word)"
    } else {
      result.append(word)
    }
  }
  return result
}

private func isNegative(_ word: String) -> Bool {
  // -0 is short for --null.
  word.hasPrefix("-") && word != "-0" && Double(word) != nil
}
