import Tensors

/// The way from a level of a network to the one of half its sides, and back (Salimans et al. 2017,
/// arXiv:1701.05517, section 2.3).
///
/// Pixel (R, C) of the coarse level stands for the pixels (2R … 2R + 1, 2C … 2C + 1) and knows what its
/// first one knows, so whatever it says to any of the four is known to them. Where pixels come one
/// after the other the coarse level runs at every second pixel of every second row, with a memory of
/// its own; a vertical stack there runs once in two rows.
public struct Halving {
  /// Sides of the fine level.
  let height: Int
  let width: Int
  /// Names the places where things are kept.
  let owner: Parameter

  public init(height: Int, width: Int, owner: Parameter) {
    (self.height, self.width, self.owner) = (height, width, owner)
  }

  private var coarseHeight: Int { (height + 1) / 2 }
  private var coarseWidth: Int { (width + 1) / 2 }

  /// Whether the coarse level has something to compute.
  public func isDue(in context: Context) -> Bool {
    context.memory.map { memory in
      let pixel = memory.pixel(of: memory.known)
      return pixel.row % 2 == 0 && pixel.column % 2 == 0
    } ?? true
  }

  /// The context of the coarse level.
  public func coarse(in context: Context) -> Context {
    guard let memory = context.memory else { return context }
    let level = memory.state(of: owner, 3) {
      Level(
        Memory(images: memory.images, height: coarseHeight, width: coarseWidth, channels: 1))
    }
    let pixel = memory.pixel(of: memory.known)
    level.memory.advance(
      by: pixel.row / 2 * coarseWidth + pixel.column / 2 - level.memory.known)
    return context.remembering(level.memory)
  }

  // MARK: Down

  /// The pixels of even rows and columns: `[N, H, W, C]` → `[N, ⌈H/2⌉, ⌈W/2⌉, C]`; the next pixel, which
  /// is one, as it is.
  public func down(_ x: Variable, in context: Context) -> Variable {
    guard context.memory == nil else { return x }
    let fine = x.shape
    let y = Tensor([fine[0], coarseHeight, coarseWidth, fine[3]], x.value.precision)
    visit(images: fine[0]) { from, to, quarter in
      if quarter == 0 { y.copyRow(to, from: x.value, from, width: fine[3]) }
    }
    return context.record(y, from: [x]) { dy, gradients in
      let dx = Tensor.zeros(fine, dy.precision)
      visit(images: fine[0]) { from, to, quarter in
        if quarter == 0 { dx.copyRow(from, from: dy, to, width: fine[3]) }
      }
      gradients.add(dx, to: x.slot)
    }
  }

  /// The same of a vertical stack; of the row that begins, `[W, N, 1, C]`, the even columns.
  public func downRows(_ x: Variable, in context: Context) -> Variable {
    guard let memory = context.memory else { return down(x, in: context) }
    let y = Tensor([coarseWidth, memory.images, 1, x.shape[3]], x.value.precision)
    for column in 0..<coarseWidth {
      y.rows(column..<column + 1).copy(from: x.value.rows(2 * column..<2 * column + 1))
    }
    return Variable(y)
  }

  // MARK: Up

  /// Each pixel's channels as those of the four that it stands for: `[N, ⌈H/2⌉, ⌈W/2⌉, 4C]` →
  /// `[N, H, W, C]`. Of the next pixel; where the coarse level had nothing to compute, z is nil and what
  /// it last said at the place counts.
  public func up(_ z: Variable?, in context: Context) -> Variable {
    guard let memory = context.memory else { return up(whole: z, in: context) }
    let pixel = memory.pixel(of: memory.known)
    let kept = kept(4, z?.value, memory, at: pixel.column / 2)
    return Variable(
      quarter(
        pixel.row % 2 * 2 + pixel.column % 2,
        of: kept.rows(pixel.column / 2..<pixel.column / 2 + 1)))
  }

  /// The same of a vertical stack, `[w, N, 1, 4C]` → `[W, N, 1, C]` of the row that begins.
  public func upRows(_ z: Variable?, in context: Context) -> Variable {
    guard let memory = context.memory else { return up(whole: z, in: context) }
    let kept = kept(5, z?.value, memory, at: nil)
    let channels = kept.shape[3] / 4
    let y = Tensor([width, memory.images, 1, channels], kept.precision)
    let row = memory.pixel(of: memory.known).row
    for column in 0..<width {
      let part = quarter(
        row % 2 * 2 + column % 2, of: kept.rows(column / 2..<column / 2 + 1))
      y.rows(column..<column + 1).copy(from: part.reshaped([1, memory.images, 1, channels]))
    }
    return Variable(y)
  }

  private func up(whole z: Variable?, in context: Context) -> Variable {
    guard let z else { preconditionFailure("nothing to bring up") }
    let (images, channels) = (z.shape[0], z.shape[3] / 4)
    let y = Tensor([images, height, width, channels], z.value.precision)
    visit(images: images) { fine, coarse, quarter in
      y.copyRow(fine, from: z.value, 4 * coarse + quarter, width: channels)
    }
    return context.record(y, from: [z]) { dy, gradients in
      let dz = Tensor.zeros(z.shape, dy.precision)
      visit(images: images) { fine, coarse, quarter in
        dz.copyRow(4 * coarse + quarter, from: dy, fine, width: channels)
      }
      gradients.add(dz, to: z.slot)
    }
  }

  /// Every pixel of the fine level, the one that stands for it, and which of the four it is there.
  private func visit(images: Int, _ body: (_ fine: Int, _ coarse: Int, _ quarter: Int) -> Void) {
    for n in 0..<images {
      for row in 0..<height {
        for column in 0..<width {
          body(
            (n * height + row) * width + column,
            (n * coarseHeight + row / 2) * coarseWidth + column / 2, row % 2 * 2 + column % 2)
        }
      }
    }
  }

  /// C channels of each image out of `[1, N, 1, 4C]`: `[N, 1, 1, C]`.
  private func quarter(_ index: Int, of z: Tensor) -> Tensor {
    let (images, channels) = (z.shape[1], z.shape[3] / 4)
    let y = Tensor([images, 1, 1, channels], z.precision)
    for n in 0..<images { y.copyRow(n, from: z, 4 * n + index, width: channels) }
    return y
  }

  /// What the coarse level last said in its row, `[w, N, 1, 4C]`, with what is new: a whole row, or the
  /// pixel of a column.
  private func kept(_ variant: Int, _ new: Tensor?, _ memory: Memory, at column: Int?) -> Tensor {
    let row = memory.state(of: owner, variant) {
      guard let new else { preconditionFailure("a level that never ran") }
      return Said(.zeros([coarseWidth, memory.images, 1, new.shape[3]], new.precision))
    }
    guard let new else { return row.values }
    let places = column.map { $0..<$0 + 1 } ?? 0..<coarseWidth
    row.values.rows(places).copy(
      from: new.reshaped([places.count, memory.images, 1, new.shape[3]]))
    return row.values
  }

  /// The memory of the coarse level.
  private final class Level: LayerState {
    let memory: Memory

    init(_ memory: Memory) { self.memory = memory }

    func copy(of images: [Int]) -> Level { Level(memory.copy(of: images)) }
  }

  /// `[w, N, 1, 4C]`
  private final class Said: LayerState {
    let values: Tensor

    init(_ values: Tensor) { self.values = values }

    func copy(of images: [Int]) -> Said { Said(values.copy(ofImages: images)) }
  }
}

extension Tensor {
  /// Copies a row of so many elements.
  func copyRow(_ place: Int, from other: Tensor, _ row: Int, width: Int) {
    let bytes = width * precision.byteCount
    (pointer + place * bytes).copyMemory(from: other.pointer + row * bytes, byteCount: bytes)
  }

  /// A copy of these images, in this order, of pixels' channels side by side: `[pixels, N, 1, C]`.
  func copy(ofImages images: [Int]) -> Tensor {
    let (pixels, count, channels) = (shape[0], shape[1], shape[3])
    return reshaped([pixels * count, channels])
      .copy(ofRows: (0..<pixels).flatMap { pixel in images.map { pixel * count + $0 } })
      .reshaped([pixels, images.count, 1, channels])
  }
}
