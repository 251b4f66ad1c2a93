import Detection
import Foundation
import Images
import Models
import Training

/// How `train` learns from images that are larger than a model is, or of several sizes.
struct CropPlan {
  let crops: CropOptions
  /// Whether the run gets both experts.
  let experts: Bool

  /// Sides up to which images are learned whole.
  private static let small = 64

  /// What the flags ask for; without any, what the images look like; nil for images that are learned
  /// whole.
  init?(_ command: Train, _ console: Console) throws {
    let isAsked = command.crop != nil || command.scale != nil
    guard isAsked || command.leavesChoice else { return nil }
    let source = try ImageSource(command.data, followLinks: command.reading.followLinks)
    let sizes = source.sizes(atMost: 100)
    let most = sizes.map { max($0.width, $0.height) }.max() ?? 0
    guard isAsked || most > Self.small else { return nil }
    let shortest = sizes.map { min($0.width, $0.height) }.sorted()
    let side = shortest.isEmpty ? Self.small : shortest[shortest.count / 2]
    let scale = command.scale ?? (side >= 2 * Self.small ? 0.5 : 1)
    let length = max(1, min(Self.small, Int((Double(side) * scale).rounded())))
    crops = CropOptions(
      width: command.crop?.width ?? length, height: command.crop?.height ?? length, scale: scale,
      flips: !command.noFlips)
    experts = (command.model ?? Self.model) == Self.model
    guard !isAsked else { return }
    console.note(
      "\(command.data): images up to \(most) pixels a side: learning what belongs where from the"
        + " whole at \(Self.small)x\(Self.small) (a Gaussian density), and what texture is from"
        + " random \(crops.width)x\(crops.height) crops at scale \(scale) (\(Self.model)); --size"
        + " learns them whole instead, --crop and --scale choose others")
  }

  static let model = "local-pixelcnn"
  /// Crops that the local expert learns from, and levels that it tells apart.
  static let cropCount = 6_000
  static let levels = 16
}

extension Train {
  /// Nothing says what is to be learned, or how.
  var leavesChoice: Bool {
    model == nil && head == nil && levels == nil && binarize == nil && size == nil
      && channels == nil && settings.isEmpty && !classes
  }

  /// Images of a path at a working scale; those with no crop are passed over.
  func loadScaled(_ path: String, _ crops: CropOptions, channels: Int, _ console: Console) throws
    -> ScaledImages
  {
    try scanline.loadScaled(path, crops, channels: channels, reading, console)
  }
}

/// Images of a path at a working scale, with progress; those that are smaller than a crop are passed
/// over, and what was passed over is told.
func loadScaled(
  _ path: String, _ crops: CropOptions, channels: Int, _ reading: ReadingOptions,
  _ console: Console
) throws -> ScaledImages {
  try requirePath("DATA", path)
  let source = try ImageSource(path, followLinks: reading.followLinks)
  let line = ProgressLine(console)
  let images = try ScaledImages.load(
    source, scale: crops.scale, channels: channels, strict: reading.strict
  ) { done in
    line.update("reading \(path): \(done) of \(source.count) files")
    return true
  }!.leavingOut(smallerThan: crops, strict: reading.strict, of: path)
  line.clear()
  tellOfFiles(path, images.leftOut, images.skipped, images.flawed, console)
  return images
}

extension ScaledImages {
  /// Without images that have no crop, which are remarked upon.
  fileprivate func leavingOut(smallerThan crops: CropOptions, strict: Bool, of path: String)
    throws -> ScaledImages
  {
    let small = images.indices.filter {
      images[$0].width < crops.width || images[$0].height < crops.height
    }
    guard let first = small.first else { return self }
    func reason(_ index: Int) -> String {
      "expected at least \(crops.width)x\(crops.height) pixels at scale \(crops.scale), found"
        + " \(images[index].width)x\(images[index].height)"
    }
    guard !strict, small.count < count else {
      throw CommandError("\(path): \(names[first]): \(reason(first)); choose a smaller --crop")
    }
    let isSmall = Set(small)
    return self[images.indices.filter { !isSmall.contains($0) }].passingOver(
      small.map { FileRemark(path: names[$0], reason: reason($0)) })
  }
}
