import Detection
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
  /// Images set aside are of series that are learned from as well: the share of them whose nearest other
  /// image is close by in the order of names, and what chance would have.
  case series(data: String, share: Double, byChance: Double)
  /// Images set aside are of so few groups that ranks among them say little of other groups.
  case fewGroups(data: String, groups: Int, images: Int)
  /// What the run tells apart.
  case controls([Control.Result])
  /// A table of files that could not be read was written.
  case unreadableFiles(table: String, Int)

  /// A group in twenty can be told from nineteen others.
  static let fewestGroups = 19

  /// That the images set aside are of few groups of those that are named; nil where they are not.
  static func fewGroups(
    _ holdOut: HoldOut, data: String, heldOut names: [String]
  ) throws -> TrainingRemark? {
    guard !names.isEmpty, let keys = try holdOut.keys(of: names) else { return nil }
    let groups = Set(keys).count
    return groups < fewestGroups
      ? .fewGroups(data: data, groups: groups, images: names.count) : nil
  }

  /// Whether it tells of something that should be seen to.
  public var isWarning: Bool {
    switch self {
    case .series, .fewGroups: true
    default: false
    }
  }

  public var description: String {
    func counted(_ count: Int, _ noun: String) -> String {
      "\(count) \(noun)\(count == 1 ? "" : "s")"
    }
    func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }
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
    case .series(let data, let share, let chance):
      "\(data): of the images set aside, \(percent(share)) have their nearest other image within five places"
        + " in the order of names (by chance \(percent(chance))): they seem to come in series, as of one"
        + " thing or one moment, and new ones will be flagged more often than asked for; --group-by keeps"
        + " series on one side"
    case .fewGroups(let data, let groups, let images):
      "\(data): the \(counted(images, "image")) set aside \(images == 1 ? "is" : "are") of"
        + " \(counted(groups, "group")): groups differ, and images of others may be flagged more often than"
        + " asked for; at a false-alarm rate of 5 % at least \(Self.fewestGroups) would tell"
    case .controls(let controls): Control.table(of: controls)
    case .unreadableFiles(let table, let count):
      "\(table) names \(counted(count, "unreadable file"))"
    }
  }
}
