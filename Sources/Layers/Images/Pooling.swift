import Tensors

extension Context {
  /// The four pixels of each square as channels of one: `[N, H, W, C]` → `[N, ⌈H/2⌉, ⌈W/2⌉, 4C]`, zeros where
  /// a square lies beyond the edge. A 1×1 convolution after it is a 2×2 one of stride 2.
  public func folded(_ x: Variable) -> Variable {
    let sides = x.shape
    let (height, width) = ((sides[1] + 1) / 2, (sides[2] + 1) / 2)
    func visit(_ body: (_ fine: Int, _ quarter: Int) -> Void) {
      for n in 0..<sides[0] {
        for row in 0..<sides[1] {
          for column in 0..<sides[2] {
            body(
              (n * sides[1] + row) * sides[2] + column,
              ((n * height + row / 2) * width + column / 2) * 4 + row % 2 * 2 + column % 2)
          }
        }
      }
    }
    let y = Tensor.zeros([sides[0], height, width, 4 * sides[3]], x.value.precision)
    visit { fine, quarter in y.copyRow(quarter, from: x.value, fine, width: sides[3]) }
    return record(y, from: [x]) { dy, gradients in
      let dx = Tensor(sides, dy.precision)
      visit { fine, quarter in dx.copyRow(fine, from: dy, quarter, width: sides[3]) }
      gradients.add(dx, to: x.slot)
    }
  }

  /// The mean over the pixels of each image: `[N, H, W, C]` → `[N, C]`, wide.
  public func meanOverPixels(_ x: Variable) -> Variable {
    let (images, pixels, channels) = (x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
    let share = 1 / Double(pixels)
    let sums = Tensor([images, channels], wide)
    for n in 0..<images {
      backend.sumOfRows(
        x.value.rows(n..<n + 1).reshaped([pixels, channels]),
        into: sums.rows(n..<n + 1).reshaped([channels]))
    }
    let y = Tensor(sums.shape, wide)
    backend.affine(sums, scale: share, offset: 0, into: y)
    return record(y, from: [x]) { [self] dy, gradients in
      let each = Tensor(dy.shape, wide)
      backend.affine(dy, scale: share, offset: 0, into: each)
      let narrow = converted(each, to: x.value.precision)
      let dx = Tensor(x.shape, x.value.precision)
      for n in 0..<images {
        for pixel in n * pixels..<(n + 1) * pixels {
          dx.copyRow(pixel, from: narrow, n, width: channels)
        }
      }
      gradients.add(dx, to: x.slot)
    }
  }
}
