import Files
import Images
import Jobs
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
      throw FileError(
        path, expected: "images that the run was not trained on",
        found:
          "\(overlap.trained.count) of \(images.count) that it was, the same in every pixel, as"
          + " \(images.names[overlap.trained[0]])")
    }
    tell(overlap, images, path)
    if overlap.isEmpty {
      console.note("\(path): held out: none of its images was trained or validated on")
    }
    return overlap.isEmpty
  }

  private func tell(_ overlap: SeenImages.Overlap, _ images: DataSet, _ path: String) {
    for remark in SeenRemark.remarks(on: overlap, images, path) { console.warn("\(remark)") }
  }
}
