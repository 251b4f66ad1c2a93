extension PlainBackend {
  public func convolution(
    _ x: Tensor, rectified: Bool, weights w: Tensor, bias: Tensor,
    _ geometry: ConvolutionGeometry, adding residual: Tensor?, into y: Tensor
  ) {
    geometry.requireFit(x.shape, weights: w.shape, bias: bias.shape, y.shape)
    let taps = Taps(x: x.shape, y: y.shape, geometry)
    let weights = w.values
    let inputs = rectified ? x.values.map { max($0, 0) } : x.values
    let offsets = bias.values
    var sums = residual?.values ?? [Double](repeating: 0, count: y.count)
    for i in sums.indices { sums[i] += offsets[i % taps.outputs] }
    taps.visit { xi, wi, yi in sums[yi] += inputs[xi] * weights[wi] }
    y.write(sums)
  }

  public func convolutionInputGradient(
    _ dy: Tensor, weights w: Tensor, _ geometry: ConvolutionGeometry, rectified x: Tensor?,
    accumulating: Bool, into dx: Tensor
  ) {
    geometry.requireFit(dx.shape, weights: w.shape, bias: [dy.shape[3]], dy.shape)
    let weights = w.values
    let gradient = dy.values
    var sums = [Double](repeating: 0, count: dx.count)
    Taps(x: dx.shape, y: dy.shape, geometry).visit { xi, wi, yi in
      sums[xi] += gradient[yi] * weights[wi]
    }
    if let x { sums = zip(sums, x.values).map { $1 > 0 ? $0 : 0 } }
    dx.write(accumulating ? zip(sums, dx.values).map(+) : sums)
  }

  public func convolutionWeightGradient(
    _ dy: Tensor, input x: Tensor, rectified: Bool, _ geometry: ConvolutionGeometry,
    into dw: Tensor, bias dbias: Tensor
  ) {
    geometry.requireFit(x.shape, weights: dw.shape, bias: dbias.shape, dy.shape)
    let inputs = rectified ? x.values.map { max($0, 0) } : x.values
    let gradient = dy.values
    var sums = [Double](repeating: 0, count: dw.count)
    Taps(x: x.shape, y: dy.shape, geometry).visit { xi, wi, yi in
      sums[wi] += gradient[yi] * inputs[xi]
    }
    dw.write(sums)
    sumOfRows(dy, into: dbias)
  }
}

/// Every (input, weight, output) triple that a convolution multiplies.
private struct Taps {
  let images, height, width, inputs, outputs: Int
  let geometry: ConvolutionGeometry

  init(x: Shape, y: Shape, _ geometry: ConvolutionGeometry) {
    (images, height, width, inputs, outputs) = (x[0], x[1], x[2], x[3], y[3])
    self.geometry = geometry
  }

  func visit(_ body: (_ x: Int, _ w: Int, _ y: Int) -> Void) {
    for n in 0..<images {
      for row in 0..<height {
        for column in 0..<width {
          for v in 0..<geometry.height {
            for u in 0..<(v < geometry.height - 1 ? geometry.width : geometry.lastRow) {
              let (r, c) = (row + v - geometry.top, column + u - geometry.left)
              guard (0..<height).contains(r), (0..<width).contains(c) else { continue }
              let x = ((n * height + r) * width + c) * inputs
              let y = ((n * height + row) * width + column) * outputs
              for o in 0..<outputs {
                for i in 0..<inputs {
                  body(
                    x + i, ((o * inputs + i) * geometry.height + v) * geometry.width + u, y + o)
                }
              }
            }
          }
        }
      }
    }
  }
}
