import Foundation

/// The shortest move in L2 that fools the classifier, by descent on both at once (Carlini and Wagner 2017,
/// arXiv:1608.04644, section V.A and VI.A):
///
///     minimise ‖x' − x‖² + c · max(logit_label − max of the others + κ, 0),   x' = (tanh w + 1) / 2
///
/// by Adam over w, with c found by bisection. Of all points on the way the nearest counts that fools the
/// classifier as eight bits, in which it will be judged.
public struct CarliniWagner: Attack {
  /// κ: by how much another class has to win, logits.
  public var confidence: Float = 0
  public var searches = 6
  public var steps = 100
  public var learningRate: Float = 0.05
  /// The first c.
  public var constant: Float = 1

  public init() {}

  public func moved(
    _ images: [[Float]], _ labels: [Int], numbers: Range<Int>, by victim: Victim, seed: UInt64,
    progress: (_ images: Double) -> Bool
  ) -> [[Float]]? {
    let count = images.count
    var best = images
    var nearest = [Float](repeating: .infinity, count: count)
    var (low, high) = (
      [Float](repeating: 0, count: count), [Float](repeating: .infinity, count: count)
    )
    var constants = [Float](repeating: constant, count: count)
    // tanh reaches neither 0 nor 1.
    let origins = images.map { $0.map { atanh((2 * $0 - 1) * 0.999_999) } }
    for _ in 0..<searches {
      var descents = origins.map(Descent.init)
      var fooled = [Bool](repeating: false, count: count)
      for step in 1...steps {
        let x = descents.map(\.image)
        let (logits, gradients) = victim.gradient(at: x) { rows in
          rows.indices.map { n in
            let (gap, rival) = gap(rows[n], labels[n])
            var weights = [Float](repeating: 0, count: rows[n].count)
            if gap + confidence > 0 {
              (weights[labels[n]], weights[rival]) = (constants[n], -constants[n])
            }
            return weights
          }
        }
        // Only what fools as it is can do so once it is rounded, but for rare luck.
        let candidates = x.indices.filter { n in
          gap(logits[n], labels[n]).gap + confidence < 0 && distance(x[n], images[n]) < nearest[n]
        }
        let candidateImages = candidates.map { rounded(x[$0]) }
        if !candidates.isEmpty {
          for (row, n) in zip(victim.logits(of: candidateImages), candidates)
          where gap(row, labels[n]).gap < 0 {
            (best[n], nearest[n], fooled[n]) = (rounded(x[n]), distance(x[n], images[n]), true)
          }
        }
        for n in 0..<count {
          descents[n].step(step, gradients[n], from: images[n], learningRate)
        }
        guard progress(Double(count) / Double(searches * steps)) else { return nil }
      }
      for n in 0..<count {
        if fooled[n] { high[n] = constants[n] } else { low[n] = constants[n] }
        constants[n] = high[n].isFinite ? (low[n] + high[n]) / 2 : 10 * constants[n]
      }
    }
    return best
  }

  /// By how much the label wins, and over which class.
  private func gap(_ logits: [Float], _ label: Int) -> (gap: Float, rival: Int) {
    let rival = logits.indices.filter { $0 != label }.max { logits[$0] < logits[$1] }!
    return (logits[label] - logits[rival], rival)
  }

  private func distance(_ a: [Float], _ b: [Float]) -> Float { norm(zip(a, b).map { $0 - $1 }) }
}

/// Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1) over w of one image.
private struct Descent {
  private var w: [Float]
  private var first: [Float]
  private var second: [Float]

  init(_ origin: [Float]) {
    w = origin
    first = origin.map { _ in 0 }
    second = first
  }

  var image: [Float] { w.map { (tanh($0) + 1) / 2 } }

  /// - Parameter gradient: of c · max(…), in the image.
  mutating func step(
    _ number: Int, _ gradient: [Float], from image: [Float], _ rate: Float
  ) {
    let (a, b) = (1 - pow(0.9, Float(number)), 1 - pow(0.999, Float(number)))
    for i in w.indices {
      let t = tanh(w[i])
      let slope = (2 * ((t + 1) / 2 - image[i]) + gradient[i]) * (1 - t * t) / 2
      first[i] = 0.9 * first[i] + 0.1 * slope
      second[i] = 0.999 * second[i] + 0.001 * slope * slope
      w[i] -= rate * (first[i] / a) / ((second[i] / b).squareRoot() + 1e-8)
    }
  }
}
