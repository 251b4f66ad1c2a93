import Heads
import Images
import Layers
import Tensors

extension Whitening {
  static let setting = Setting(
    "whiten", .toggle, default: "off",
    "whether intensities are told as what a linear regression leaves over")

  /// Whether a model is told whitened intensities; its head must have what can be moved and stretched.
  static func isOn(_ specification: ModelSpecification) throws -> Bool {
    guard try specification.isOn(setting) else { return false }
    guard specification.head.frame != nil else {
      throw ModelError.setting(
        "whiten", of: specification.name, expected: "off, with a \(specification.head.kind) head",
        found: "on")
    }
    return true
  }
}

extension DensityModel {
  /// The head's distribution of outputs, which are of whitened intensities where those are given.
  func distribution(_ outputs: Variable, _ whitened: Whitening.Whitened?, in context: Context)
    -> any PixelDistribution
  {
    guard let whitened, let frame = head.frame else { return distribution(outputs) }
    return distribution(
      context.unwhitened(
        outputs, head.outputs(channels: image.channels), locations: frame.locations,
        logDeviations: frame.logDeviations, whitened))
  }
}
