/// The words of a command line that decide what a report says, without those that say where it goes and
/// how the work is done: the report of all shards is that of one call.
func wordsOfReport(_ words: [String]) -> [String] {
  let flags: Set = ["--resume", "--quiet", "--json", "--overwrite", "--fail-if-flagged"]
  let options: Set = ["--out", "--shard", "--threads"]
  var result: [String] = []
  var isValue = false
  for word in words {
    let name = word.split(separator: "=", maxSplits: 1).first.map(String.init) ?? word
    if isValue {
      isValue = false
    } else if options.contains(name) {
      isValue = name == word
    } else if !flags.contains(word) {
      result.append(word)
    }
  }
  return result
}
