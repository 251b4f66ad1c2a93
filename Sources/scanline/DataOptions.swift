import ArgumentParser
import Images
import Jobs
import Reports

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

/// Shows how images are read: a line in place, and what there is to say of the files.
final class ReadingDisplay {
  private let console: Console
  private var line: ProgressLine

  init(_ console: Console) {
    self.console = console
    line = ProgressLine(console)
  }

  /// Answers that it is to go on: a signal ends the process by itself.
  func show(_ reading: Reading) -> Bool {
    switch reading {
    case .files(let path, let done, let total):
      line.update("reading \(path): \(done) of \(total) files")
    case .done(let read):
      line.clear()
      line = ProgressLine(console)
      tellOfFiles(read.path, read.leftOut, read.skipped, read.flawed, console)
    }
    return true
  }
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
