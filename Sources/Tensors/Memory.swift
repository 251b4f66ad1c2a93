/// What the layers of a model remember of images whose sub-pixels come one after the other.
///
/// Copies made with `copy(of:)` go on by themselves: samplers, beams, particles and codecs share it.
public final class Memory {
  /// Images that go on together.
  public let images: Int
  /// Sides of the images.
  public let height: Int
  public let width: Int
  public let channels: Int
  /// The class of each image; nil where the model is told none.
  public let labels: [Int]?
  /// Sub-pixels of each image that are known.
  public private(set) var known = 0
  /// In the order in which a pass first asked for them, and the one after that which was asked for last: as
  /// passes go through the same layers, most often it is the next.
  private var order: [(key: Key, state: any LayerState)] = []
  private var next = 0

  private struct Key: Equatable {
    let parameter: ObjectIdentifier
    let variant: Int
  }

  public init(images: Int, height: Int, width: Int, channels: Int, labels: [Int]? = nil) {
    precondition(
      labels.map { $0.count == images } ?? true, "\(labels?.count ?? 0) labels of \(images) images")
    self.labels = labels
    self.images = images
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// Counts the sub-pixels that the next pass is told.
  public func advance(by subpixels: Int) { known += subpixels }

  /// The pixel to which a sub-pixel belongs.
  public func pixel(of subpixel: Int) -> Pixel {
    let pixel = subpixel / channels
    return Pixel(row: pixel / width, column: pixel % width)
  }

  /// What a layer, named by its first parameter, has kept; made where there is nothing yet.
  /// - Parameter variant: of a layer that keeps several.
  public func state<State: LayerState>(
    of parameter: Parameter, _ variant: Int = 0, _ make: () -> State
  ) -> State {
    let key = Key(parameter: ObjectIdentifier(parameter), variant: variant)
    if next == order.count { next = 0 }
    if next < order.count, order[next].key == key {
      next += 1
      return own(order[next - 1].state, parameter)
    }
    if let place = order.firstIndex(where: { $0.key == key }) {
      next = place + 1
      return own(order[place].state, parameter)
    }
    let state = make()
    order.append((key, state))
    next = order.count
    return state
  }

  private func own<State: LayerState>(_ state: any LayerState, _ parameter: Parameter) -> State {
    precondition(type(of: state) == State.self, "two layers share \(parameter.name)")
    return unsafeDowncast(state, to: State.self)
  }

  /// The same memory of these images, in this order, some perhaps more than once.
  public func copy(of chosen: [Int]) -> Memory {
    let result = Memory(
      images: chosen.count, height: height, width: width, channels: channels,
      labels: labels.map { labels in chosen.map { labels[$0] } })
    result.known = known
    result.order = order.map { ($0.key, $0.state.copy(of: chosen)) }
    return result
  }
}

/// What one layer remembers. Its tensors are changed in place, so only `copy` gives a second one.
public protocol LayerState: AnyObject {
  /// The same of these images, in this order.
  func copy(of images: [Int]) -> Self
}

extension Tensor {
  /// A copy of these rows of the outermost axis, in this order.
  public func copy(ofRows chosen: [Int]) -> Tensor {
    let result = Tensor(shape.withOutermost(chosen.count), precision)
    let bytes = shape[0] == 0 ? 0 : byteCount / shape[0]
    for (n, row) in chosen.enumerated() {
      precondition(row >= 0 && row < shape[0], "\(shape) has no row \(row)")
      (result.pointer + n * bytes).copyMemory(from: pointer + row * bytes, byteCount: bytes)
    }
    keepAlive(self, result)
    return result
  }
}
