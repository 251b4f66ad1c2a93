import Detection
import Images
import Reports

extension RunInUse {
  /// The images of a path, one by one: of any size by both experts, else as `load` has them.
  func source(_ path: String) throws -> ImageSource {
    try requirePath("DATA", path)
    if trained.configuration.experts == true {
      return try ImageSource(path, followLinks: reading.followLinks)
    }
    // Crops of one image are many.
    if trained.configuration.crops != nil { return ImageSource(try load(path), at: path) }
    var options = trained.loadingOptions
    options.strict = reading.strict
    options.followLinks = reading.followLinks
    return try ImageSource(path, options: options)
  }

  /// The images that a verb is given, or its shard of them.
  func source(_ images: ImagesArgument) throws -> ImageSource {
    if images.data == nil, trained.configuration.crops != nil,
      trained.configuration.experts != true
    {
      throw CommandError("--files-from: expected DATA with a run of crops, found a list")
    }
    let whole = try images.data.map(source) ?? images.listed()
    return images.shard.map(whole.part) ?? whole
  }

  /// Tells of the files of a source that is inspected.
  /// - Returns: what is told of them in an output.
  func report(
    _ source: ImageSource, skipped: [FileRemark], flawed: [FileRemark]
  ) -> ReadingReport {
    let report = ReadingReport(source.place, skipped: skipped, flawed: flawed)
    tellOfFiles(
      source.leftOut.map(source.place.openable), skipped: report.unreadable,
      flawed: report.flawed, of: source.path, console)
    return report
  }
}
