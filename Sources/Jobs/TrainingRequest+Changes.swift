import Images
import Models
import Training

/// How training images are changed, and in which orders they are told.
extension TrainingRequest {
  private static func options(
    _ augmentation: Augmentation?, _ orders: Int?
  ) -> [(option: String, value: String?)] {
    [
      ("--flip", augmentation?.flips == true ? "it" : nil),
      ("--shift", augmentation.flatMap { $0.shift > 0 ? "\($0.shift)" : nil }),
      ("--rotate", augmentation?.rotates == true ? "it" : nil),
      ("--orders", orders.flatMap { $0 > 1 ? "\($0)" : nil }),
    ]
  }

  /// Those that are given.
  var changingOptions: [String] {
    Self.options(augmentation, orders).filter { $0.value != nil }.map(\.option)
  }

  /// Refuses them where crops are learned.
  func requireNoChanges() throws(OptionError) {
    guard let first = changingOptions.first else { return }
    throw OptionError(
      first,
      expected: "none where crops are learned: in raster order, mirrored and turned upside down",
      found: "it")
  }

  /// Refuses what images of this shape cannot have.
  func requireChanges(of image: ImageShape) throws(OptionError) {
    let sides = "\(image.width)x\(image.height)"
    if augmentation?.rotates == true, image.height != image.width {
      throw OptionError("--rotate", expected: "square images", found: sides)
    }
    try OptionError.require("--shift", augmentation?.shift, "less than the sides \(sides)") {
      $0 < min(image.height, image.width)
    }
    let possible = Order.all(of: image).count
    try OptionError.require(
      "--orders", orders, "at most the \(possible) of images of \(sides)"
    ) { $0 <= possible }
  }

  /// What was asked for, by option, and what a run was begun with.
  func changes(
    comparedTo begun: RunConfiguration
  ) -> [(option: String, given: String?, begun: String?)] {
    zip(
      Self.options(augmentation, orders),
      Self.options(begun.training.augmentation, begun.model.orders)
    ).map {
      ($0.option, $0.value, $1.value)
    }
  }
}
