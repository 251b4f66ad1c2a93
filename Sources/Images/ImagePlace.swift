/// Where images are that have names: what leads from a name to a file.
public enum ImagePlace: Codable, Equatable, Sendable {
  /// Names are paths below a folder.
  case folder(String)
  /// Names are of images in one file.
  case file(String)
  /// Names are paths themselves.
  case paths

  /// The path of the file that an image is in, or that a remark is about.
  public func path(of name: String) -> String {
    switch self {
    case .folder(let folder): joined(folder, name)
    case .file(let file): file
    case .paths: name
    }
  }

  /// The folder that a name is relative to where it is that of a file.
  public var root: String {
    switch self {
    case .folder(let folder): folder
    case .file(let file): file.lastIndex(of: "/").map { String(file[...$0]) } ?? "."
    case .paths: "."
    }
  }
}
