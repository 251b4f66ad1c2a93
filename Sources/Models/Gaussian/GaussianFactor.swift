import Foundation
import Layers
import Tensors

/// The Cholesky factor of W Wᵀ + s² 1, as the gains by which each sub-pixel moves the mean of the hidden
/// numbers, and the deviation of each sub-pixel given those before it. Double precision.
final class GaussianFactor: Sendable {
  let mean: [Double]
  /// `[D, R]`
  let loadings: [Double]
  let gains: [Double]
  /// `[D]`
  let logDeviations: [Double]
  let directions: Int

  init(mean: Tensor, loadings: Tensor, logNoise: Tensor) {
    self.mean = mean.values
    let w = loadings.values
    let (d, r) = (loadings.shape[0], loadings.shape[1])
    let noise = exp(2 * logNoise.element(0))
    var gains = [Double](repeating: 0, count: d * r)
    var logDeviations = [Double](repeating: 0, count: d)
    // Covariance of the hidden numbers given the sub-pixels so far.
    var covariance = [Double](repeating: 0, count: r * r)
    for k in 0..<r { covariance[k * r + k] = 1 }
    covariance.withUnsafeMutableBufferPointer { p in
      w.withUnsafeBufferPointer { w in
        gains.withUnsafeMutableBufferPointer { gains in
          for i in 0..<d {
            let (row, gain) = (w.baseAddress! + i * r, gains.baseAddress! + i * r)
            for k in 0..<r { gain[k] = 0 }
            // P w, by rows of the symmetric P.
            for j in 0..<r where row[j] != 0 {
              let (weight, from) = (row[j], p.baseAddress! + j * r)
              for k in 0..<r { gain[k] += weight * from[k] }
            }
            var variance = noise
            for k in 0..<r { variance += row[k] * gain[k] }
            // Rounding must not take more than there is.
            variance = max(variance, noise)
            logDeviations[i] = log(variance) / 2
            for j in 0..<r where gain[j] != 0 {
              let (share, to) = (gain[j] / variance, p.baseAddress! + j * r)
              for k in 0..<r { to[k] -= share * gain[k] }
            }
            for k in 0..<r { gain[k] /= variance }
          }
        }
      }
    }
    (self.loadings, self.gains, self.logDeviations, directions) = (w, gains, logDeviations, r)
  }

  var dimension: Int { mean.count }

  /// Images side by side whose sums run in one order, so that an image is the same alone or among others.
  typealias Lanes = SIMD8<Double>

  /// μ_i of eight images, given the mean of their hidden numbers, `[R]`.
  func expected(_ i: Int, _ hidden: UnsafePointer<Lanes>) -> Lanes {
    var sum = Lanes(repeating: mean[i])
    loadings.withUnsafeBufferPointer { w in
      let row = w.baseAddress! + i * directions
      for k in 0..<directions { sum += hidden[k] * row[k] }
    }
    return sum
  }

  /// Moves the mean of the hidden numbers by what was not expected of sub-pixel i.
  func observe(_ i: Int, _ error: Lanes, _ hidden: UnsafeMutablePointer<Lanes>) {
    gains.withUnsafeBufferPointer { gains in
      let row = gains.baseAddress! + i * directions
      for k in 0..<directions { hidden[k] += error * row[k] }
    }
  }
}

/// The mean of the hidden numbers of some images, given what is known of them: `[blocks of 8, R]`.
final class GaussianState: LayerState {
  let images: Int
  let directions: Int
  var hidden: [GaussianFactor.Lanes]
  /// What is expected of the next sub-pixel, a block of images each; empty before the first.
  var expected: [GaussianFactor.Lanes] = []

  init(images: Int, directions: Int) {
    (self.images, self.directions) = (images, directions)
    hidden = Array(repeating: .zero, count: (images + 7) / 8 * directions)
  }

  func copy(of images: [Int]) -> GaussianState {
    let state = GaussianState(images: images.count, directions: directions)
    state.expected = expected.isEmpty ? [] : Array(repeating: .zero, count: (images.count + 7) / 8)
    for (to, from) in images.enumerated() {
      if !expected.isEmpty { state.expected[to / 8][to % 8] = expected[from / 8][from % 8] }
      for k in 0..<directions {
        state.hidden[to / 8 * directions + k][to % 8] =
          hidden[from / 8 * directions + k][from % 8]
      }
    }
    return state
  }
}

extension Context {
  /// Mean and log deviation of each sub-pixel given those before it, `[N, D, 2]`, of x `[N, D]`; with a
  /// memory, of the next, x being what was not yet told. A gradient reaches x alone: the weights are
  /// fitted without one.
  /// - Parameter shift: what is added to the mean at a sub-pixel of an image.
  func gaussian(
    _ x: Variable, _ factor: GaussianFactor, of parameter: Parameter,
    shift: (_ image: Int, _ subpixel: Int) -> Double
  ) -> Variable {
    let (images, told) = (x.shape[0], x.shape[1])
    let values = x.value.values
    let state =
      memory.map { memory in
        memory.state(of: parameter) {
          GaussianState(images: memory.images, directions: factor.directions)
        }
      } ?? GaussianState(images: images, directions: factor.directions)
    let first = memory.map { $0.known - told } ?? 0
    func lanes(_ block: Int, _ i: Int) -> GaussianFactor.Lanes {
      var result = GaussianFactor.Lanes.zero
      for lane in 0..<min(8, images - 8 * block) {
        let image = 8 * block + lane
        result[lane] = values[image * told + i] - shift(image, first + i)
      }
      return result
    }
    let next = memory == nil ? 0..<told : told..<told + 1
    var outputs = [Double](repeating: 0, count: images * next.count * 2)
    var latest: [GaussianFactor.Lanes] = []
    state.hidden.withUnsafeMutableBufferPointer { hidden in
      for block in 0..<(images + 7) / 8 {
        let own = hidden.baseAddress! + block * factor.directions
        for i in 0..<max(told, next.upperBound) {
          let isKnown = i == 0 && told > 0 && block < state.expected.count
          let mean = isKnown ? state.expected[block] : factor.expected(first + i, own)
          if next.contains(i) {
            for lane in 0..<min(8, images - 8 * block) {
              let image = 8 * block + lane
              let place = 2 * (image * next.count + i - next.lowerBound)
              outputs[place] = mean[lane] + shift(image, first + i)
              outputs[place + 1] = factor.logDeviations[first + i]
            }
          }
          if i < told { factor.observe(first + i, lanes(block, i) - mean, own) }
          if memory != nil, next.contains(i) { latest.append(mean) }
        }
      }
    }
    state.expected = latest
    let y = Tensor([images, next.count, 2], wide)
    y.write(outputs)
    return record(y, from: [x]) { dy, gradients in
      let dx = Tensor(x.shape, x.value.precision)
      dx.write(factor.pullback(dy.values, images: images))
      gradients.add(dx, to: x.slot)
    }
  }
}

extension GaussianFactor {
  /// The gradient in x `[N, D]` of that of the outputs, `[N, D, 2]`.
  fileprivate func pullback(_ dy: [Double], images: Int) -> [Double] {
    let (d, r) = (dimension, directions)
    var dx = [Double](repeating: 0, count: images * d)
    for n in 0..<images {
      // That of the hidden numbers' mean, the last sub-pixel first.
      var later = [Double](repeating: 0, count: r)
      for i in (0..<d).reversed() {
        var along = 0.0
        for k in 0..<r { along += later[k] * gains[i * r + k] }
        dx[n * d + i] = along
        let mean = dy[2 * (n * d + i)] - along
        for k in 0..<r { later[k] += loadings[i * r + k] * mean }
      }
    }
    return dx
  }
}
