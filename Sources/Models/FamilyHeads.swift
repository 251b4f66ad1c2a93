import Heads

/// Which heads go with which families.
extension ModelFamily {
  /// Images that a family can learn with a head.
  public enum Images: String, Codable, Sendable {
    case all, grey, none
  }

  /// The images that it can learn with a head.
  public func images(with head: Head.Kind) -> Images {
    tellsPixels || !head.isJoint ? .all : .grey
  }

  /// Whether it takes a head, for images of that shape.
  public func takes(_ head: Head.Kind, of image: ImageShape) -> Bool {
    switch images(with: head) {
    case .all: true
    case .grey: image.channels == 1
    case .none: false
    }
  }

  /// - Throws: `ModelError` for a head that it does not take, of images of that shape.
  func require(_ head: Head.Kind, of image: ImageShape) throws {
    guard takes(head, of: image) else {
      throw ModelError.invalid(
        "\(name) with a \(head) head: expected grey images, because it tells one sub-pixel at a time and"
          + " the head wants whole pixels, found \(image.channels) channels")
    }
  }
}
