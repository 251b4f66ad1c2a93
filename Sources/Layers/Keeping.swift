import Tensors

extension Context {
  /// Whether a vertical stack has something to compute: a row begins, or all pixels are at hand.
  public var rowBegins: Bool {
    memory.map { $0.known % ($0.width * $0.channels) == 0 } ?? true
  }

  /// What a vertical stack has for each pixel: all of them as they are, `[N, H, W, C]`. Where pixels come
  /// one after the other the body runs once a row, `[W, N, 1, C]`, of which the next pixel's
  /// `[N, 1, 1, C]` are handed out.
  ///
  /// - Parameter parameter: names the place where the row is kept.
  public func onceARow(_ parameter: Parameter, _ body: () -> Variable) -> Variable {
    guard let memory else { return body() }
    let kept = memory.state(of: parameter, 1) { Kept() }
    let column = memory.pixel(of: memory.known).column
    if rowBegins { kept.values = body().value }
    let row = kept.found
    return Variable(
      row.rows(column..<column + 1).reshaped([memory.images, 1, 1, row.shape[3]]))
  }

  /// What depends on whole pixels alone, `[N, H, W, C]`. Where sub-pixels come one after the other the body
  /// runs once a pixel, and what it gave, `[N, 1, 1, C]`, holds for the other sub-pixels.
  ///
  /// - Parameter parameter: names the place where that is kept.
  public func onceAPixel(_ parameter: Parameter, _ body: () -> Variable) -> Variable {
    guard let memory else { return body() }
    let kept = memory.state(of: parameter, 2) { Kept() }
    if memory.known % memory.channels == 0 {
      let value = body().value
      kept.values = value.reshaped([1, memory.images, 1, value.shape[3]])
    }
    return Variable(kept.found.reshaped([memory.images, 1, 1, kept.found.shape[3]]))
  }
}

/// Channels of every image, of one pixel or of a row of them: `[pixels, N, 1, C]`.
private final class Kept: LayerState {
  var values: Tensor?

  var found: Tensor {
    guard let values else { preconditionFailure("nothing was kept") }
    return values
  }

  func copy(of images: [Int]) -> Kept {
    let copy = Kept()
    copy.values = values?.copy(ofImages: images)
    return copy
  }
}
