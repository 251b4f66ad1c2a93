import Foundation
import Images
import Tensors

extension Mixing {
  /// Decisions that the weights learn from at most, in each pass.
  private static let mostDecisions = 8_000_000
  private static let passes = 2

  /// Counts every sub-pixel of some images, and then learns how to mix the estimates.
  func fit(_ images: PixelBatch) {
    table.slots.clear()
    images.symbols.withUnsafeBufferPointer { symbols in
      for n in 0..<images.count {
        count(
          symbols.baseAddress! + n * images.dimension, images.dimension, of: images.labels?[n])
      }
    }
    learn(images)
  }

  private func count(_ symbols: UnsafePointer<UInt8>, _ dimension: Int, of label: Int?) {
    let count = templates
    for i in 0..<dimension {
      with(symbols, at: i, of: label) { keys, _ in
        path(symbols[i]) { node, _, bit in
          precondition(table.fetch(keys, count, node), "a table of what are no contexts")
          for t in 0..<count { table.count(bit, Contexts.key(keys[t], node)) }
        }
      }
    }
  }

  /// Stochastic gradient descent on the negative log-likelihood, a rate of its own for each weight (Duchi,
  /// Hazan and Singer 2011, JMLR 12:2121). An image's own bit is taken off its counts, so that they are what
  /// they would be for an image that was not counted: otherwise the longest context, which each training
  /// image has seen, would be trusted blindly.
  private func learn(_ images: PixelBatch) {
    let count = templates
    let weights = weights.floats
    let placeWeights = placeWeights.floats
    for place in stride(from: 0, to: weights.count, by: 2) {
      (weights[place], weights[place + 1]) = (1 / Float(count), 0)
    }
    for place in placeWeights.indices { placeWeights[place] = 0 }
    var squares = [Float](repeating: 0, count: weights.count)
    var placeSquares = [Float](repeating: 0, count: placeWeights.count)
    let most = max(1, Self.mostDecisions / (images.dimension * contexts.bits))
    let step = max(1, (images.count + most - 1) / most)
    images.symbols.withUnsafeBufferPointer { symbols in
      for pass in 1...Self.passes {
        let rate = 0.05 / Float(pass)
        for n in stride(from: 0, to: images.count, by: step) {
          let image = symbols.baseAddress! + n * images.dimension
          for i in 0..<images.dimension {
            with(image, at: i, of: images.labels?[n]) { keys, terms in
              var seen = UInt32.max
              path(image[i]) { node, depth, bit in
                let z = logit(
                  keys, node: node, depth: depth, at: i, seen: seen, without: bit, &terms)
                seen = terms.seen
                let error = Float(bit) - 1 / (1 + exp(-z))
                for t in 0..<count {
                  let (place, gradient) = (terms.places[t], error * terms.ratios[t])
                  let (square, own) = (gradient * gradient, i * count + t)
                  squares[place] += square
                  weights[place] += rate * gradient / (squares[place].squareRoot() + 1e-3)
                  squares[place + 1] += error * error
                  weights[place + 1] += rate * error / (squares[place + 1].squareRoot() + 1)
                  placeSquares[own] += square
                  placeWeights[own] += rate * gradient / (placeSquares[own].squareRoot() + 1)
                }
              }
            }
          }
        }
      }
    }
  }
}
