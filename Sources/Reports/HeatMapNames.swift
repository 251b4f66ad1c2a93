import Randomness

/// A name below a folder of heat maps for each image of a data set: its own and `.png`, but for names
/// that a file system would not take, that another image needs as the name of its folder, or that lead
/// elsewhere.
public struct HeatMapNames {
  /// Bytes that the last part of a path may have. File systems take 255.
  private static let longest = 240
  private let folders: Set<Substring>
  private let names: Set<String>

  /// - Parameter names: all images, as paths, as a rule below a folder.
  public init(of names: [String]) {
    var folders: Set<Substring> = []
    for name in names {
      var rest = name[...]
      // Folders that are known lie in known ones.
      while let slash = rest.lastIndex(of: "/") {
        rest = rest[..<slash]
        if !folders.insert(rest).inserted { break }
      }
    }
    self.folders = folders
    self.names = Set(names)
  }

  /// The path of what became of an image: a PNG file keeps its name, unless another would have it too.
  public func image(for name: String) -> String {
    let stem = name.hasSuffix(".png") ? String(name.dropLast(4)) : name
    return stem == name || stem.isEmpty || stem.hasSuffix("/") || names.contains(stem)
      ? file(for: name) : file(for: stem)
  }

  /// The path of an image's heat map, relative to their folder.
  public func file(for name: String) -> String {
    let plain = name + ".png"
    let leadsAway =
      name.hasPrefix("/") || name.split(separator: "/").contains { $0 == ".." || $0 == "." }
    let start = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
    guard
      leadsAway || folders.contains(plain[...]) || plain[start...].utf8.count > Self.longest
    else {
      return plain
    }
    var hash = Fingerprint()
    for byte in name.utf8 { hash.fold(UInt64(byte)) }
    var beginning = ""
    for character in name[start...] where beginning.utf8.count + character.utf8.count <= 120 {
      beginning.append(character)
    }
    return "\(leadsAway ? "" : name[..<start])\(beginning)-\(String(hash.bits, radix: 16)).png"
  }
}
