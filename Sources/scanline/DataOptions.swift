import ArgumentParser
import Images

/// `WxH`, pixels.
struct Size: ExpressibleByArgument, Equatable {
  let width: Int
  let height: Int

  init?(argument: String) {
    let sides = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false)
    guard sides.count == 2, let width = Int(sides[0]), let height = Int(sides[1]),
      (1...4096).contains(width), (1...4096).contains(height)
    else { return nil }
    self.width = width
    self.height = height
  }
}

enum Channels: String, CaseIterable, ExpressibleByArgument {
  case gray
  case rgb

  var count: Int { self == .gray ? 1 : 3 }

  init?(count: Int) {
    guard let match = Self.allCases.first(where: { $0.count == count }) else { return nil }
    self = match
  }
}

/// How folders of images are read.
struct ReadingOptions: ParsableArguments {
  @Flag(help: "Make an unreadable file an error.")
  var strict = false

  @Flag(help: "Follow links to folders outside of DATA.")
  var followLinks = false
}

/// Loads a data set with progress, and tells of the files that were skipped.
func load(_ path: String, _ options: LoadingOptions, _ console: Console) throws -> DataSet {
  try requirePath("DATA", path)
  let line = ProgressLine(console)
  let data = try DataSet.load(path, options: options) { done, total in
    line.update("reading \(path): \(done) of \(total) files")
  }
  line.clear()
  tellOfFiles(path, data.leftOut, data.skipped, data.flawed, console)
  return data
}

/// Tells of files that were left out, passed over or read with a flaw.
func tellOfFiles(
  _ path: String, _ leftOut: [FileRemark], _ skipped: [FileRemark], _ flawed: [FileRemark],
  _ console: Console
) {
  tellOfFiles(
    leftOut.map { $0.openable(from: path) }, skipped: skipped.map { $0.openable(from: path) },
    flawed: flawed.map { $0.openable(from: path) }, of: path, console)
}

/// The same of paths that can be opened.
func tellOfFiles(
  _ leftOut: [FileRemark], skipped: [FileRemark], flawed: [FileRemark], of path: String,
  _ console: Console
) {
  // The screen names a few of each.
  let most = 5
  func tell(_ remarks: [FileRemark], _ what: String, _ tell: (String) -> Void) {
    for remark in remarks.prefix(most) {
      tell("\(what) \(remark.path): \(remark.reason)")
    }
    if remarks.count > most { tell("\(what) \(remarks.count - most) more files of \(path)") }
  }
  tell(leftOut, "left out", console.note)
  tell(skipped, "skipped", console.warn)
  tell(flawed, "read with a flaw", console.warn)
}
