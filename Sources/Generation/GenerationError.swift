/// Why no image could be made, in one line.
public enum GenerationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Weights so large that the model's arithmetic overflows.
  case notANumber(subpixel: Int)

  public var description: String {
    switch self {
    case .notANumber(let subpixel):
      "sub-pixel \(subpixel): expected probabilities from the model, found NaN: its weights overflow"
    }
  }
}
