import Tensors

/// The same step of the row above each: what a sequence in raster order would otherwise have to remember for
/// as long as a row.
public struct StepAbove {
  /// Steps of a row.
  let rowLength: Int
  /// Names the place where a row is kept.
  let owner: Parameter

  public init(rowLength: Int, owner: Parameter) {
    (self.rowLength, self.owner) = (rowLength, owner)
  }

  /// x `[N, H, steps, C]` moved down by a row, zeros above the first.
  public func callAsFunction(_ x: Variable, in context: Context) -> Variable {
    context.rowAbove(x)
  }

  /// What stands above a step, `[N, 1, 1, C]`, once the latest one before it is told.
  public func callAsFunction(
    of step: Int, afterTelling latest: Variable, in context: Context
  ) -> Variable {
    guard let memory = context.memory else { preconditionFailure("above the next step of what?") }
    let (images, channels) = (memory.images, latest.shape[3])
    let kept = memory.state(of: owner, 1) {
      Row(.zeros([rowLength, images, 1, channels], latest.value.precision))
    }
    func place(_ step: Int) -> Tensor {
      let column = step % rowLength
      return kept.values.rows(column..<column + 1).reshaped([images, 1, 1, channels])
    }
    if step > 0 { place(step - 1).copy(from: latest.value) }
    return Variable(place(step))
  }

  /// The latest step of each column: `[steps, N, 1, C]`.
  private final class Row: LayerState {
    let values: Tensor

    init(_ values: Tensor) { self.values = values }

    func copy(of images: [Int]) -> Row { Row(values.copy(ofImages: images)) }
  }
}

extension Context {
  /// What each pixel's neighbour above has: x `[N, H, W, C]` moved down by a row, zeros above the first.
  func rowAbove(_ x: Variable) -> Variable {
    before(x.reshaped([x.shape[0], x.shape[1], x.shape[2] * x.shape[3]])).reshaped(x.shape)
  }

  /// The channels of a, then those of b: `[N, H, W, A]` and `[N, H, W, B]` → `[N, H, W, A + B]`.
  public func joined(_ a: Variable, _ b: Variable) -> Variable {
    let (first, second, precision) = (a.shape[3], b.shape[3], a.value.precision)
    let pixels = a.value.count / first
    precondition(
      b.value.count == pixels * second && b.value.precision == precision,
      "cannot join \(a.shape) and \(b.shape)")
    let y = Tensor([a.shape[0], a.shape[1], a.shape[2], first + second], precision)
    let rows = y.reshaped([pixels, first + second])
    rows.setColumns(from: 0, to: a.value.reshaped([pixels, first]))
    rows.setColumns(from: first, to: b.value.reshaped([pixels, second]))
    return record(y, from: [a, b]) { dy, gradients in
      let bytes = dy.precision.byteCount
      for (x, from) in [(a, 0), (b, first)] where x.slot != nil {
        let dx = Tensor(x.shape, dy.precision)
        let width = x.shape[3]
        for pixel in 0..<pixels {
          (dx.pointer + pixel * width * bytes).copyMemory(
            from: dy.pointer + (pixel * (first + second) + from) * bytes,
            byteCount: width * bytes)
        }
        gradients.add(dx, to: x.slot)
      }
    }
  }
}
