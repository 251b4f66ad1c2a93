import Training

/// What a person should know of a training that is begun, each in a line.
public enum TrainingRemark: Equatable, Sendable, CustomStringConvertible {
  /// Nothing says how, and images are large: both experts learn them, one of crops.
  case learnsCrops(data: String, longestSide: Int, CropOptions)
  /// Each image is held against each other, which takes seconds from some thousands on.
  case looksForNearDuplicates(images: Int)
  /// Images on neither side, as they are near-duplicates of images set aside.
  case nearDuplicatesLeftOut(data: String, Int)
  /// Images, or groups of them, are too few to spare any.
  case setsNothingAside(data: String)
  /// A table of files that could not be read was written.
  case unreadableFiles(table: String, Int)

  public var description: String {
    func counted(_ count: Int, _ noun: String) -> String {
      "\(count) \(noun)\(count == 1 ? "" : "s")"
    }
    return switch self {
    case .learnsCrops(let data, let side, let crops):
      "\(data): images up to \(side) pixels a side: learning what belongs where from the"
        + " whole at \(CropPlan.small)x\(CropPlan.small) (a Gaussian density), and what texture is"
        + " from random \(crops.width)x\(crops.height) crops at scale \(crops.scale)"
        + " (\(CropPlan.model)); --size learns them whole instead, --crop and --scale choose others"
    case .looksForNearDuplicates(let images):
      "looking for near-duplicates among \(images) images"
    case .nearDuplicatesLeftOut(let data, let count):
      "\(data): \(counted(count, "image")) left out that are near-duplicates of images set aside"
    case .setsNothingAside(let data):
      "\(data): too few images, or groups of them, to set any aside that later ones are ranked among:"
        + " give others to scanline calibrate"
    case .unreadableFiles(let table, let count):
      "\(table) names \(counted(count, "unreadable file"))"
    }
  }
}
