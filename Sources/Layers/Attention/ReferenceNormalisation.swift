import Foundation
import Tensors

extension ReferenceBackend: NormalisationKernels {
  public func normalise(
    _ x: Tensor, gain: Tensor, bias: Tensor, epsilon: Double, into y: Tensor
  ) {
    let (values, gain, bias, channels) = (x.values, gain.values, bias.values, gain.count)
    var result: [Double] = []
    for first in stride(from: 0, to: x.count, by: channels) {
      let row = Row(values[first..<first + channels], epsilon)
      result += (0..<channels).map { gain[$0] * row.normal[$0] + bias[$0] }
    }
    y.write(result)
  }

  public func normaliseGradient(
    _ dy: Tensor, _ x: Tensor, gain: Tensor, epsilon: Double, dx: Tensor, dgain: Tensor,
    dbias: Tensor
  ) {
    let (values, dy, gain, channels) = (x.values, dy.values, gain.values, gain.count)
    var result: [Double] = []
    var (ofGain, ofBias) = (gain.map { _ in 0.0 }, gain.map { _ in 0.0 })
    for first in stride(from: 0, to: x.count, by: channels) {
      let row = Row(values[first..<first + channels], epsilon)
      let slopes = (0..<channels).map { dy[first + $0] * gain[$0] }
      let level = slopes.reduce(0, +) / Double(channels)
      let along = zip(slopes, row.normal).reduce(0) { $0 + $1.0 * $1.1 } / Double(channels)
      for c in 0..<channels {
        ofGain[c] += dy[first + c] * row.normal[c]
        ofBias[c] += dy[first + c]
        result.append(row.rate * (slopes[c] - level - row.normal[c] * along))
      }
    }
    dx.write(result)
    dgain.write(ofGain)
    dbias.write(ofBias)
  }

  public func gelu(_ x: Tensor, into y: Tensor) {
    y.write(x.values.map { $0 * Activation.sigmoid.value(Self.bend($0)) })
  }

  public func geluGradient(_ dy: Tensor, _ x: Tensor, into dx: Tensor) {
    dx.write(
      zip(dy.values, x.values).map { dy, x in
        let s = Activation.sigmoid.value(Self.bend(x))
        return dy * (s + x * s * (1 - s) * Self.rate * (1 + 3 * 0.044715 * x * x))
      })
  }

  private static let rate = 2 * (2 / Double.pi).squareRoot()
  private static func bend(_ x: Double) -> Double { rate * (x + 0.044715 * x * x * x) }

  /// A row at mean 0 and variance 1, and what it was multiplied by.
  private struct Row {
    let normal: [Double]
    let rate: Double

    init(_ row: ArraySlice<Double>, _ epsilon: Double) {
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      let rate = 1 / (variance + epsilon).squareRoot()
      self.rate = rate
      normal = row.map { ($0 - mean) * rate }
    }
  }
}
