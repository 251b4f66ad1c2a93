extension Backend {
  public func convolution(
    _ x: Tensor, weights w: Tensor, bias: Tensor, _ geometry: ConvolutionGeometry,
    activation: Activation, accumulating: Bool, into y: Tensor
  ) {
    geometry.requireFit(x.shape, weights: w.shape, bias: bias.shape, y.shape)
    let taps = Taps(x: x.shape, y: y.shape, geometry)
    let weights = w.values
    let inputs = x.values
    let offsets = bias.values
    var sums = accumulating ? y.values : [Double](repeating: 0, count: y.count)
    for i in sums.indices { sums[i] += offsets[i % taps.outputs] }
    taps.visit { xi, wi, yi in sums[yi] += inputs[xi] * weights[wi] }
    y.write(sums.map(activation.value))
  }

  public func convolutionInputGradient(
    _ dy: Tensor, weights w: Tensor, _ geometry: ConvolutionGeometry, into dx: Tensor
  ) {
    geometry.requireFit(dx.shape, weights: w.shape, bias: [dy.shape[3]], dy.shape)
    let weights = w.values
    let gradient = dy.values
    var sums = [Double](repeating: 0, count: dx.count)
    Taps(x: dx.shape, y: dy.shape, geometry).visit { xi, wi, yi in
      sums[xi] += gradient[yi] * weights[wi]
    }
    dx.write(sums)
  }

  public func convolutionWeightGradient(
    _ dy: Tensor, input x: Tensor, _ geometry: ConvolutionGeometry, into dw: Tensor,
    bias dbias: Tensor
  ) {
    geometry.requireFit(x.shape, weights: dw.shape, bias: dbias.shape, dy.shape)
    let inputs = x.values
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
            for u in 0..<geometry.width {
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
