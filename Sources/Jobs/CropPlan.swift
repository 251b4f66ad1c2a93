import Images
import Training

/// How to learn from images that are larger than a model is, or of several sizes.
struct CropPlan {
  let crops: CropOptions
  /// Whether the run gets both experts.
  let experts: Bool

  static let model = "local-pixelcnn"
  /// Crops that the local expert learns from, and levels that it tells apart.
  static let cropCount = 6_000
  static let levels = 16
  /// Sides up to which images are learned whole.
  static let small = 64

  /// What is asked for; where nothing is, what the images look like; nil for images that are learned
  /// whole.
  init?(_ request: TrainingRequest, _ listener: Listener) throws {
    guard request.learnsCrops || request.leavesChoice else { return nil }
    let source = try ImageSource(request.data, followLinks: request.followsLinks)
    let sizes = source.sizes(atMost: 100)
    let most = sizes.map { max($0.width, $0.height) }.max() ?? 0
    guard request.learnsCrops || most > Self.small else { return nil }
    try request.requireNoChanges()
    let shortest = sizes.map { min($0.width, $0.height) }.sorted()
    let side = shortest.isEmpty ? Self.small : shortest[shortest.count / 2]
    let scale = request.scale ?? (side >= 2 * Self.small ? 0.5 : 1)
    let length = max(1, min(Self.small, Int((Double(side) * scale).rounded())))
    crops = CropOptions(
      width: request.crop?.width ?? length, height: request.crop?.height ?? length, scale: scale,
      flips: request.flips)
    experts = (request.model ?? Self.model) == Self.model
    if !request.learnsCrops {
      listener.remark(.learnsCrops(data: request.data, longestSide: most, crops))
    }
  }
}
