import Heads

/// Which heads go with which families.
extension ModelFamily {
  /// Images that a family can learn with a head.
  public enum Images: String, Codable, Sendable {
    case all, grey, none
  }

  /// The images that it can learn with a head.
  public func images(with head: Head.Kind) -> Images {
    let isAnothers = Self.all.contains { $0.name != name && $0.ownHead == head }
    guard !isAnothers, ownHead == nil || ownHead == head, heads?.contains(head) ?? true else {
      return .none
    }
    return tellsPixels || !head.isJoint ? .all : .grey
  }

  /// The head of images of so many levels where none is asked for.
  public func usualHead(ofLevels levels: Int) -> Head.Kind {
    ownHead ?? (levels == 2 ? .bernoulli : .categorical)
  }

  /// The family of a name; nil where there is none.
  public static func named(_ name: String) -> ModelFamily? { known.first { $0.name == name } }

  /// Whether it can learn several orders: it tells the pixels of an image in one, and learns by steps.
  public var takesOrders: Bool { !isClosedForm && !isClassifier }

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
    if images(with: head) == .none {
      let own = Head.Kind.allCases.filter { images(with: $0) != .none }.map(\.name)
      throw ModelError.head("\(head)", of: name, known: own)
    }
    guard takes(head, of: image) else {
      throw ModelError.headOfWholePixels("\(head)", of: name, channels: image.channels)
    }
  }
}
