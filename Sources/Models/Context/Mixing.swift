import Foundation
import Heads
import Tensors

/// Estimates of one bit, each from the counts of a context, mixed in the logistic domain (Mahoney 2005,
/// Florida Tech. CS-2005-16; Mattern 2012, arXiv:1203.4478):
///
///     logit = Σ_t (w_t[confidence of t] + w_t[place]) ln((n₁ + ½) / (n₀ + ½)) + b_t[confidence of t]
///
/// where n₀ and n₁ are how often a zero and a one came in context t, so that (n₁ + ½) / (n + 1) is the
/// estimate of Krichevsky and Trofimov (1981, doi:10.1109/TIT.1981.1056331). How much an estimate counts
/// depends on how often its context came, whether always with the same bit, and on the place in the image.
/// The negative log-likelihood is convex in the weights.
struct Mixing: @unchecked Sendable {
  /// Contexts by how often they came: never; then by doublings, with both bits or one.
  static let confidences = 17

  let contexts: Contexts
  let table: CountTable
  /// w and b by confidence: `[bits, T, confidences, 2]`, float32.
  let weights: Tensor
  /// w by place: `[D, T]`, float32.
  let placeWeights: Tensor
  private let head: Head

  init(
    _ contexts: Contexts, _ head: Head, counts: Tensor, weights: Tensor, placeWeights: Tensor
  ) {
    (self.contexts, self.head) = (contexts, head)
    table = CountTable(counts)
    (self.weights, self.placeWeights) = (weights, placeWeights)
  }

  var templates: Int { contexts.templates.count }

  /// What a logit was made of.
  struct Terms {
    /// ln((n₁ + ½) / (n₀ + ½)) of each template.
    let ratios: UnsafeMutablePointer<Float>
    /// Its place among the weights.
    let places: UnsafeMutablePointer<Int>
    /// A bit for each template whose context came at all.
    var seen: UInt32 = 0
  }

  /// Lends the contexts of a sub-pixel and room for terms.
  /// - Parameter label: the image's class; nil where none is told.
  func with<Result>(
    _ symbols: UnsafePointer<UInt8>, at i: Int, of label: Int?,
    _ body: (UnsafeMutablePointer<UInt64>, inout Terms) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: templates) { keys in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: templates) { ratios in
        withUnsafeTemporaryAllocation(of: Int.self, capacity: templates) { places in
          contexts.find(symbols, at: i, of: label, into: keys.baseAddress!)
          var terms = Terms(ratios: ratios.baseAddress!, places: places.baseAddress!)
          return body(keys.baseAddress!, &terms)
        }
      }
    }
  }

  /// The logit of a one at a node of sub-pixel i's decisions.
  /// - Parameters:
  ///   - seen: templates whose contexts came at the node above: what never came there never came here.
  ///   - bit: one that is taken off the counts, as if the image had not been counted.
  func logit(
    _ keys: UnsafePointer<UInt64>, node: Int, depth: Int, at i: Int, seen: UInt32,
    without bit: Int? = nil, _ terms: inout Terms
  ) -> Float {
    let count = templates
    let weights = weights.floats.baseAddress!
    let placeWeights = placeWeights.floats.baseAddress! + i * count
    var sum: Float = 0
    terms.seen = 0
    for t in 0..<count {
      var (zeros, ones): (Float, Float) = (0, 0)
      if seen & (1 << t) != 0, let found = table.find(Contexts.key(keys[t], node)) {
        (zeros, ones) = found
        if bit == 0 { zeros = max(0, zeros - 1) } else if bit == 1 { ones = max(0, ones - 1) }
      }
      if zeros + ones > 0 { terms.seen |= 1 << t }
      let ratio = Self.logarithm(ones) - Self.logarithm(zeros)
      let place = ((depth * count + t) * Self.confidences + Self.confidence(zeros, ones)) * 2
      terms.ratios[t] = ratio
      terms.places[t] = place
      sum += (weights[place] + placeWeights[t]) * ratio + weights[place + 1]
    }
    return sum
  }

  /// The outputs of the head: the logit of a one, or ln p of each level.
  func outputs(
    _ symbols: UnsafePointer<UInt8>, at i: Int, of label: Int?,
    into outputs: UnsafeMutablePointer<Float>
  ) {
    with(symbols, at: i, of: label) { keys, terms in
      if head.kind == .bernoulli {
        outputs[0] = logit(keys, node: 1, depth: 0, at: i, seen: .max, &terms)
      } else {
        descend(keys, 1, 0, at: i, .max, 0, &terms, into: outputs)
      }
    }
  }

  /// ln p of all levels below a node.
  private func descend(
    _ keys: UnsafePointer<UInt64>, _ node: Int, _ depth: Int, at i: Int, _ seen: UInt32,
    _ logProbability: Float, _ terms: inout Terms, into outputs: UnsafeMutablePointer<Float>
  ) {
    guard depth < contexts.bits else {
      outputs[node - 1 << contexts.bits] = logProbability
      return
    }
    guard isOpen(node, depth) else {
      return descend(keys, 2 * node, depth + 1, at: i, seen, logProbability, &terms, into: outputs)
    }
    let z = logit(keys, node: node, depth: depth, at: i, seen: seen, &terms)
    let below = terms.seen
    descend(
      keys, 2 * node, depth + 1, at: i, below, logProbability + Self.logSigmoid(-z), &terms,
      into: outputs)
    descend(
      keys, 2 * node + 1, depth + 1, at: i, below, logProbability + Self.logSigmoid(z), &terms,
      into: outputs)
  }

  /// Whether a one is possible at a node: levels need not be a power of two.
  private func isOpen(_ node: Int, _ depth: Int) -> Bool {
    (2 * node + 1) << (contexts.bits - depth - 1) - 1 << contexts.bits < head.levels
  }

  /// The decisions that tell a level: nodes where both bits are possible, and the bit.
  func path(_ level: UInt8, _ body: (_ node: Int, _ depth: Int, _ bit: Int) -> Void) {
    var node = 1
    for depth in 0..<contexts.bits {
      let bit = Int(level) >> (contexts.bits - 1 - depth) & 1
      if isOpen(node, depth) { body(node, depth, bit) }
      node = 2 * node + bit
    }
  }

  /// ln σ(z).
  static func logSigmoid(_ z: Float) -> Float {
    z > 0 ? -log1p(exp(-z)) : z - log1p(exp(z))
  }

  /// 0: never came. Then by doublings, odd where both bits came and even where one did.
  private static func confidence(_ zeros: Float, _ ones: Float) -> Int {
    let seen = zeros + ones
    guard seen > 0 else { return 0 }
    let size: Int =
      seen < 2
      ? 0
      : seen < 3
        ? 1 : seen < 5 ? 2 : seen < 9 ? 3 : seen < 20 ? 4 : seen < 60 ? 5 : seen < 250 ? 6 : 7
    return 1 + 2 * size + (zeros == 0 || ones == 0 ? 1 : 0)
  }

  /// ln(n + ½).
  private static func logarithm(_ count: Float) -> Float {
    count < 1024 && count >= 0 ? logarithms[Int(count)] : log(count + 0.5)
  }

  private static let logarithms = (0..<1024).map { log(Float($0) + 0.5) }
}
