import Detection
import Files
import Images

/// The walk over a source's images into a journal, begun or gone on with.
struct Inspecting {
  let inspector: any Inspector
  let source: ImageSource
  let job: InspectionJob
  /// Whether a file that cannot be read is an error.
  var strict = false
  /// Whether a row that was found earlier can be taken as it is; the first that cannot ends those.
  var accepts: (InspectedImage) throws -> Bool = { _ in true }
  /// What is kept of an image besides its row. Called in order, for rows found earlier too, and then
  /// without an inspection.
  var keep: (_ index: Int, InspectedImage, Inspection?) throws -> InspectedImage = { _, image, _ in
    image
  }
  /// Called before entries are handed to the disk.
  var flush: () throws -> Void = {}

  /// - Returns: whether all are inspected; else it was stopped.
  /// - Throws: `FileError`, `DetectionError`, or what the closures throw.
  func run(
    journal path: String, resume: Bool, progress: (_ done: Int) -> Bool
  ) throws -> Bool {
    if strict, let first = source.skipped.first {
      throw FileError(source.place.path(of: first.path), problem: first.reason)
    }
    var (index, listed) = (0, 0)
    let journal = try Journal(at: path, job, resume: resume) { entry in
      if case .image(let image) = entry {
        guard try accepts(image) else { return false }
        _ = try keep(index, image, nil)
      }
      index += entry.isOfSource ? 1 : 0
      listed += entry.isOfSource ? 0 : 1
      return true
    }
    // They come first: where an image has its entry they all have.
    if journal.done == 0 {
      let remarks =
        source.skipped.map(JournalEntry.passedOver) + source.flawed.map(JournalEntry.flawed)
      for remark in remarks.dropFirst(listed) { try journal.add(remark) }
    }
    try journal.flush()
    return try inspector.inspect(
      source, journal.done..<source.count,
      visit: { index, result in
        switch result {
        case .success(let found):
          let image = InspectedImage(row: found.row, flaw: found.flaw, regions: found.regions)
          try journal.add(.image(keep(index, image, found)))
        case .failure(let error):
          if strict { throw error }
          try journal.add(
            .unreadable(FileRemark(path: source.names[index], reason: error.reason)))
        }
      },
      progress: { done in
        try flush()
        try journal.flush()
        return progress(done)
      })
  }
}

/// What journals say, one after the other: those of all shards, or the one of a whole.
struct Findings {
  let table: ScoreTable
  /// Nil where there are none.
  let regions: [[Region]]?
  let skipped: [FileRemark]
  let flawed: [FileRemark]

  /// - Parameters:
  ///   - isWhole: they are all that there is: of a part alone nothing is to be said.
  ///   - visit: called for each image with the place of its row.
  /// - Throws: `FileError`, also where not one image could be read; a `DetectionError` where not one has
  ///   a finite likelihood; what `visit` throws.
  init(
    _ job: InspectionJob, _ journals: [String], isWhole: Bool = true,
    visit: (Int, InspectedImage) throws -> Void = { _, _ in }
  ) throws {
    var rows: [ScoreRow] = []
    var regions: [[Region]] = []
    var (skipped, flawed): ([FileRemark], [FileRemark]) = ([], [])
    for journal in journals {
      try Journal.visit(journal) { entry in
        switch entry {
        case .image(let image):
          if let flaw = image.flaw {
            flawed.append(FileRemark(path: image.row.path, reason: flaw))
          }
          if let found = image.regions { regions.append(found) }
          try visit(rows.count, image)
          rows.append(image.row)
        case .unreadable(let remark), .passedOver(let remark): skipped.append(remark)
        case .flawed(let remark): flawed.append(remark)
        }
      }
    }
    skipped.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    let found = ScoreTable(scoreNames: job.scoreNames, rows: rows)
    // Of all images together.
    let rate = isWhole ? job.falseDiscoveryRate : nil
    table = rate.map { found.flagged(falseDiscoveryRate: $0) } ?? found
    self.regions = regions.isEmpty ? nil : regions
    (self.skipped, self.flawed) = (skipped, flawed)
    guard let first = rows.first else {
      guard isWhole else { return }
      let first = skipped.first.map { "; \($0.path): \($0.reason)" } ?? ""
      throw FileError(
        job.title, expected: "PNG or JPEG images", found: "none in \(skipped.count) files\(first)")
    }
    guard !isWhole || rows.contains(where: { $0.nats.isFinite }) else {
      throw DetectionError.nothingFinite(first.path)
    }
  }
}
