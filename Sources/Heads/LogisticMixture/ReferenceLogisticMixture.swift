import Foundation
import Images
import Tensors

/// ln of a level's share of a logistic distribution, and its derivatives.
private struct Bin {
  var value: Double
  var byMean: Double
  var byScale: Double

  /// The ends a and b of the bin are seen from the mean in units of the scale:
  ///
  ///     σ(a) − σ(b) = σ(a) σ(−b) (1 − e^(b−a))
  ///
  /// in which nothing cancels, however narrow the bin and however far out it lies.
  init(_ shape: LogisticMixtureShape, _ level: UInt8, mean: Double, scale raw: Double) {
    let logScale = shape.logScale(raw)
    let (x, inverse, h) = (shape.intensity(of: level), exp(-logScale), shape.halfBin)
    let (a, b) = ((x - mean + h) * inverse, (x - mean - h) * inverse)
    (value, byMean, byScale) = (0, 0, 0)
    if level < shape.levels - 1 {
      value -= softplus(-a)
      byMean -= sigmoid(-a) * inverse
      byScale -= sigmoid(-a) * a
    }
    if level > 0 {
      value -= softplus(b)
      byMean += sigmoid(b) * inverse
      byScale += sigmoid(b) * b
    }
    if level > 0, level < shape.levels - 1 {
      let width = 2 * h * inverse
      value += log(-expm1(-width))
      byScale -= width / expm1(width)
    }
    if raw != logScale { byScale = 0 }
  }
}

extension LogisticMixtureShape {
  func logScale(_ raw: Double) -> Double {
    // Not a number stays one.
    raw < leastLogScale ? leastLogScale : raw > Self.mostLogScale ? Self.mostLogScale : raw
  }

  /// The mean of a component for a channel, given the levels before it.
  fileprivate func mean(
    _ own: ArraySlice<Double>, _ channel: Int, _ component: Int, given: ArraySlice<UInt8>
  ) -> Double {
    var mean = own[own.startIndex + mean(channel, component)]
    for (earlier, level) in given.prefix(channel).enumerated() {
      mean +=
        tanh(own[own.startIndex + coupling(channel, to: earlier, component)])
        * intensity(of: level)
    }
    return mean
  }

  fileprivate func bin(
    _ own: ArraySlice<Double>, _ channel: Int, _ component: Int, _ levels: ArraySlice<UInt8>
  ) -> Bin {
    Bin(
      self, levels[levels.startIndex + channel],
      mean: mean(own, channel, component, given: levels),
      scale: own[own.startIndex + scale(channel, component)])
  }

  /// ln of each component's share, given the channels known so far; not normalised.
  fileprivate func logWeights(_ own: ArraySlice<Double>, given: ArraySlice<UInt8>) -> [Double] {
    (0..<components).map { k in
      given.indices.reduce(own[own.startIndex + k]) {
        $0 + bin(own, $1 - given.startIndex, k, given).value
      }
    }
  }

  /// Each component's share, given the channels known so far.
  fileprivate func weights(_ own: ArraySlice<Double>, given: ArraySlice<UInt8>) -> [Double] {
    let logs = logWeights(own, given: given)
    // Not by the logarithm of their sum, which would lose its digits beside large ones.
    let top = logs.max()!
    let shares = logs.map { exp($0 - top) }
    let total = shares.reduce(0, +)
    return shares.map { $0 / total }
  }

  /// The probability of each level of a channel, of one pixel's outputs and given its earlier channels.
  func probabilities(_ own: ArraySlice<Double>, channel: Int, given: ArraySlice<UInt8>) -> [Double]
  {
    precondition(given.count == channel, "channel \(channel), given \(given.count) before it")
    var result = [Double](repeating: 0, count: levels)
    for (k, weight) in weights(own, given: given).enumerated() {
      let mean = mean(own, channel, k, given: given)
      let inverse = exp(-logScale(own[own.startIndex + scale(channel, k)]))
      let inner = -expm1(-2 * halfBin * inverse)
      // A level lies between two ends; beyond the lowest and the highest there are none.
      var (below, width) = (1.0, 1.0)
      for level in 0..<levels - 1 {
        let end = (intensity(of: level) + halfBin - mean) * inverse
        result[level] += weight * width * below * sigmoid(end)
        (below, width) = (sigmoid(-end), inner)
      }
      result[levels - 1] += weight * below
    }
    return result
  }

  /// A level of a channel by a uniform number; nil where an output is no number.
  fileprivate func draw(
    _ own: ArraySlice<Double>, channel: Int, given: ArraySlice<UInt8>, _ uniform: Double
  ) -> UInt8? {
    let weights = weights(own, given: given)
    guard weights.allSatisfy(\.isFinite) else { return nil }
    var left = uniform * weights.reduce(0, +)
    var component = 0
    while component + 1 < components, left >= weights[component] {
      left -= weights[component]
      component += 1
    }
    // Rounding may leave a crumb behind the last component that can be.
    while component > 0, weights[component] == 0 {
      component -= 1
      left = weights[component]
    }
    let v = min(max(left / weights[component], 1e-16), 1 - 1e-16)
    let mean = mean(own, channel, component, given: given)
    let logScale = logScale(own[own.startIndex + scale(channel, component)])
    let x = mean + exp(logScale) * (log(v) - log1p(-v))
    guard !x.isNaN else { return nil }
    // The first level whose bin does not end below x.
    let level = (((x + 1) / halfBin - 1) / 2).rounded(.up)
    return UInt8(min(max(level, 0), Double(levels - 1)))
  }
}

extension ReferenceBackend: LogisticMixtureKernels {
  public func logisticMixtureLogProbability(
    _ outputs: Tensor, _ shape: LogisticMixtureShape, _ symbols: [UInt8], into y: Tensor
  ) {
    let values = outputs.values
    var result: [Double] = []
    for pixel in 0..<symbols.count / shape.channels {
      let own = values[pixel * shape.outputs..<(pixel + 1) * shape.outputs]
      let levels = symbols[pixel * shape.channels..<(pixel + 1) * shape.channels]
      let sums = (0...shape.channels).map {
        logSumExp(shape.logWeights(own, given: levels.prefix($0)))
      }
      result += zip(sums.dropFirst(), sums).map { $0 - $1 }
    }
    y.write(result)
  }

  public func logisticMixtureGradient(
    _ dy: Tensor, _ outputs: Tensor, _ shape: LogisticMixtureShape, _ symbols: [UInt8],
    into doutputs: Tensor
  ) {
    let (values, dy) = (outputs.values, dy.values)
    var result = [Double](repeating: 0, count: outputs.count)
    for pixel in 0..<symbols.count / shape.channels {
      let first = pixel * shape.outputs
      let own = values[first..<first + shape.outputs]
      let levels = symbols[pixel * shape.channels..<(pixel + 1) * shape.channels]
      // log p of channel c is L(c + 1) − L(c), L the log of the sum of the components' weights.
      for c in 0..<shape.channels {
        let gradient = dy[pixel * shape.channels + c]
        for (known, sign) in [(c + 1, gradient), (c, -gradient)] {
          let known = levels.prefix(known)
          for (k, share) in shape.weights(own, given: known).enumerated() {
            result[first + k] += sign * share
            for e in 0..<known.count {
              let bin = shape.bin(own, e, k, known)
              result[first + shape.mean(e, k)] += sign * share * bin.byMean
              result[first + shape.scale(e, k)] += sign * share * bin.byScale
              for earlier in 0..<e {
                let place = first + shape.coupling(e, to: earlier, k)
                let slope = 1 - pow(tanh(values[place]), 2)
                result[place] +=
                  sign * share * bin.byMean * slope
                  * shape.intensity(of: known[known.startIndex + earlier])
              }
            }
          }
        }
      }
    }
    doutputs.write(result)
  }

  public func drawLogisticMixture(
    _ outputs: Tensor, _ shape: LogisticMixtureShape, given: [UInt8], channel: Int,
    _ uniforms: [Double]
  ) -> [UInt8]? {
    let values = outputs.values
    var symbols: [UInt8] = []
    for (pixel, uniform) in uniforms.enumerated() {
      let own = values[pixel * shape.outputs..<(pixel + 1) * shape.outputs]
      guard
        let level = shape.draw(
          own, channel: channel, given: given[pixel * channel..<(pixel + 1) * channel], uniform)
      else { return nil }
      symbols.append(level)
    }
    return symbols
  }
}

extension ReferenceBackend {
  /// None: the definitions are plain enough.
  public func logisticMixtureMeasures(
    of batch: PixelBatch, under outputs: Tensor, _ shape: LogisticMixtureShape,
    _ kinds: Measures.Kinds
  ) -> Measures? { nil }
}

private func sigmoid(_ x: Double) -> Double { Activation.sigmoid.value(x) }
