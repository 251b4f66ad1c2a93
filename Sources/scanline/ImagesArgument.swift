import ArgumentParser
import Files
import Foundation
import Images
import Reports

extension Shard: ExpressibleByArgument {
  public init?(argument: String) {
    let numbers = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let index = numbers[0], let count = numbers[1],
      (1...1_000_000).contains(count), (1...count).contains(index)
    else { return nil }
    self.init(index, of: count)
  }
}

/// The images that a verb inspects one by one, all of them or a part, from the first or from where an
/// earlier call has come to.
struct ImagesArgument: ParsableArguments {
  @Argument(help: "The images: a folder, one image, an IDX, CIFAR, .amat or .npy file.")
  var data: String?

  @Option(
    help: ArgumentHelp(
      "Instead of DATA, a file with a path of an image a line; - for standard input.",
      valueName: "file"))
  var filesFrom: String?

  @Flag(
    name: [.customShort("0"), .customLong("null")],
    help: "Paths of --files-from end in NUL, as find -print0 writes them.")
  var null = false

  @Option(
    help: ArgumentHelp(
      "Inspect part i of n, 1/n to n/n, neighbours by name: for as many jobs, of which scanline merge"
        + " makes one.", valueName: "i/n"))
  var shard: Shard?

  @Flag(help: "Go on with what an earlier call to the same --out has found, killed or not.")
  var resume = false

  func validate() throws {
    switch (data, filesFrom) {
    case (nil, nil): throw ValidationError("expected DATA or --files-from, found neither")
    case (.some, .some): throw ValidationError("expected DATA or --files-from, found both")
    case (let data?, nil): try requirePath("DATA", data)
    case (nil, let list?):
      guard list.isEmpty else { break }
      throw ValidationError("--files-from: expected a path, found an empty text")
    }
    if null && filesFrom == nil {
      throw ValidationError("--null: expected with --files-from, found without")
    }
  }

  /// Folders and files that are read, whose images are no place for an output.
  func inputs(_ source: ImageSource) -> [String] {
    guard source.place == .paths else { return [source.path] }
    return Set(source.allNames.map { ImagePlace.file($0).root }).sorted()
  }

  /// The images of the list. Throws a `FileError`.
  func listed() throws -> ImageSource {
    let list = filesFrom!
    let name = list == "-" ? "standard input" : list
    let bytes = list == "-" ? try standardInput() : try OpenFile.contents(of: list, atMost: 1 << 32)
    let end = UInt8(ascii: null ? "\0" : "\n")
    let files = try bytes.split(separator: end).map { line in
      // Of a list that was made elsewhere.
      let path = !null && line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      guard let text = String(validating: path, as: UTF8.self) else {
        throw FileError(
          name, expected: "paths in UTF-8", found: String(decoding: path, as: UTF8.self))
      }
      return text
    }
    return try ImageSource(files: files.filter { !$0.isEmpty }, named: name)
  }

  private func standardInput() throws -> [UInt8] {
    do {
      return [UInt8](try FileHandle.standardInput.readToEnd() ?? Data())
    } catch {
      throw FileError("standard input", problem: "cannot read: \(error)")
    }
  }

  /// The words by which a verb that was stopped is gone on with.
  static var wordsToGoOn: String {
    let words = CommandLine.arguments.dropFirst()
    return "go on with: "
      + shellLine(["scanline"] + words + (words.contains("--resume") ? [] : ["--resume"]))
  }
}
