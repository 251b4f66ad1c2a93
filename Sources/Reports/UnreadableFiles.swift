import Images

/// A table of files with what is wrong with them: `path,reason`, as RFC 4180 has it, lines ending in LF.
public func unreadableCSV(_ files: [FileRemark]) -> String {
  "path,reason\n" + files.map { "\(quoted($0.path)),\(quoted($0.reason))\n" }.joined()
}
