import Heads

/// What is wrong with a model that somebody asked for; each description is one line.
public enum ModelError: Error, Equatable, CustomStringConvertible, Sendable {
  case unknownModel(String)
  case unknownSetting(String, of: String, known: [String])
  /// A setting's value that the family does not take.
  case setting(String, of: String, expected: String, found: String)
  /// A head that the family does not take.
  case head(String, of: String, known: [String])
  /// A head that draws whole pixels, with a family that tells one sub-pixel at a time.
  case headOfWholePixels(String, of: String, channels: Int)
  /// A count of classes or orders that no model is told.
  case count(String, expected: ClosedRange<Int>, found: Int)
  /// Orders of a model that learns no more than the raster's, or none.
  case ordersOf(String, found: Int)
  /// A classifier, where a density of images is wanted.
  case noDensity(String)
  case imagesTooLarge(String, ImageShape, most: Int)
  /// A model that this machine cannot hold in training; bytes.
  case memory(String, ImageShape, levels: Int, needed: Int, found: Int)
  /// A model that it cannot hold beside what a step on one image takes; bytes.
  case memoryOfStep(String, ImageShape, levels: Int, needed: Int, found: Int)
  /// More images a step than it can hold; `most` fit in so many bytes.
  case batch(Int, String, ImageShape, levels: Int, most: Int, memory: Int)

  public var description: String {
    func model(_ name: String, _ image: ImageShape, _ levels: Int) -> String {
      "\(name) on \(image) with \(levels) levels"
    }
    return switch self {
    case .unknownModel(let name):
      "model: expected one of \(ModelFamily.known.map(\.name).joined(separator: ", ")), found \(name)"
    case .unknownSetting(let name, let model, let known):
      "settings of \(model): expected \(known.isEmpty ? "none" : known.joined(separator: ", ")), found"
        + " \(name)"
    case .setting(let name, let model, let expected, let found):
      "setting \(name) of \(model): expected \(expected), found \(found)"
    case .head(let head, let model, let known):
      "\(model) with a \(head) head: expected \(known.joined(separator: ", ")), found \(head)"
    case .headOfWholePixels(let head, let model, let channels):
      "\(model) with a \(head) head: expected grey images, because it tells one sub-pixel at a time and"
        + " the head wants whole pixels, found \(channels) channels"
    case .count(let what, let expected, let found):
      "\(what): expected \(expected.lowerBound) ... \(expected.upperBound), found \(found)"
    case .ordersOf(let name, let found):
      "orders of \(name): expected none, because it "
        + (ModelFamily.named(name)?.isClassifier == true
          ? "tells no pixels" : "is fitted in closed form") + ", found \(found)"
    case .noDensity(let name):
      "model: expected a density of images, found \(name), a classifier"
    case .imagesTooLarge(let name, let image, let most):
      "\(name) on \(image): expected at most \(most) sub-pixels an image, found \(image.dimension)"
    case .memory(let name, let image, let levels, let needed, let found):
      "\(model(name, image, levels)): expected to fit in \(found >> 30) GiB of memory, needs"
        + " \(needed >> 30) GiB to train"
    case .memoryOfStep(let name, let image, let levels, let needed, let found):
      "\(model(name, image, levels)): expected to fit in \(found >> 30) GiB of memory, needs"
        + " \(needed >> 30) GiB to train on one image a step"
    case .batch(let batch, let name, let image, let levels, let most, let memory):
      "\(model(name, image, levels)): expected at most \(most) images a step to fit in"
        + " \(memory >> 30) GiB of memory, found \(batch)"
    }
  }
}
