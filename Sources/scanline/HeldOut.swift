import Images
import Training

extension RunInUse {
  /// The share of training images up to which a calibration is let pass with a warning: it raises the
  /// rate of false alarms by as large a part of itself at most.
  private static let mostTrained = 0.05

  /// Refuses images of which too many were trained on, and tells of any.
  /// - Returns: whether the run has seen none of them; nil where that is not known.
  func requireHeldOut(_ images: DataSet, _ path: String) throws -> Bool? {
    guard let overlap = try SeenImages(of: trained.run)?.overlap(with: images) else {
      console.note(
        "\(path): taken as held out; whether the run has seen some of these images is not known")
      return nil
    }
    guard overlap.excess <= Self.mostTrained else {
      throw CommandError(
        "\(path): expected images that the run was not trained on, found \(overlap.trained.count) of"
          + " \(images.count) that it was, the same in every pixel, as \(images.names[overlap.trained[0]])"
      )
    }
    tell(overlap, images, path)
    if overlap.isEmpty {
      console.note("\(path): held out: none of its images was trained or validated on")
    }
    return overlap.isEmpty
  }

  /// Tells of images that the run has seen, where they are taken as unseen ones.
  func warnOfSeen(_ images: DataSet, _ path: String) throws {
    guard let overlap = try SeenImages(of: trained.run)?.overlap(with: images) else { return }
    tell(overlap, images, path)
  }

  private func tell(_ overlap: SeenImages.Overlap, _ images: DataSet, _ path: String) {
    for (seen, use) in [(overlap.trained, "trained"), (overlap.validated, "validated")] {
      guard let first = seen.first else { continue }
      console.warn(
        "\(path): the run was \(use) on \(seen.count) of these \(counted(images.count, "image")), as"
          + " \(images.names[first]); they surprise it less than others will")
    }
  }
}
