import Foundation

/// Relative links from a page to the files that were looked at, so that page and images can move
/// together.
struct Originals {
  private let root: [Substring]?
  private let rootPath: String
  private let page: [Substring]

  /// - Parameters:
  ///   - root: the folder that names of images are relative to, unless they are whole paths.
  ///   - page: the folder of the page.
  init(root: String, page: String) {
    func parts(_ path: String) -> [Substring]? {
      guard let whole = realpath(path, nil) else { return nil }
      defer { free(whole) }
      return String(cString: whole).split(separator: "/")
    }
    self.root = parts(root)
    rootPath = root
    self.page = parts(page) ?? []
  }

  /// The link to an image; nil where there is no such file.
  func link(to name: String) -> String? {
    if name.hasPrefix("/") {
      guard access(name, F_OK) == 0 else { return nil }
      let way = page.map { _ in ".." } + name.split(separator: "/").map { escape($0) }
      return way.joined(separator: "/").withDot
    }
    guard let root, access(joined(rootPath, name), F_OK) == 0 else { return nil }
    let common = zip(root, page).prefix { $0 == $1 }.count
    let way = [Substring](repeating: "..", count: page.count - common) + root[common...]
    return (way + [name[...]]).map { escape($0) }.joined(separator: "/").withDot
  }

  private func escape(_ path: Substring) -> String {
    path.utf8.reduce(into: "") { link, byte in
      let character = Character(Unicode.Scalar(byte))
      if byte < 128, character.isLetter || character.isNumber || "-_.~/".contains(character) {
        link.append(character)
      } else {
        link += String(format: "%%%02X", byte)
      }
    }
  }
}

extension String {
  /// A relative link that no browser takes for one with a scheme.
  fileprivate var withDot: String { hasPrefix("../") ? self : "./" + self }
}
