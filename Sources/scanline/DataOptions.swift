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

/// Loads a data set with progress, and tells of the files that were skipped.
func load(_ path: String, _ options: LoadingOptions, _ console: Console) throws -> DataSet {
  try requirePath("DATA", path)
  let line = ProgressLine(console)
  let data = try DataSet.load(path, options: options) { done, total in
    line.update("reading \(path): \(done) of \(total) files")
  }
  line.clear()
  let most = 5
  let folder = path.hasSuffix("/") ? path : path + "/"
  for file in data.skipped.prefix(most) {
    console.warn("skipped \(folder)\(file.path): \(file.reason)")
  }
  if data.skipped.count > most {
    console.warn("skipped \(data.skipped.count - most) more files of \(path)")
  }
  return data
}
