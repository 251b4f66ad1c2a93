import CKernels
import Foundation
import Testing

@Suite struct Drawing {
  /// The border between the symbols is where it should be, within a float's error of the rarer one.
  @Test func bernoulliFollowsTheSigmoid() {
    let logits = (-80...80).map { Float($0) }
    for (sign, symbol) in [(1 - 1e-6, UInt8(1)), (1 + 1e-6, 0)] {
      // Uniforms near one cannot tell small probabilities of a zero apart.
      let uniforms = logits.map { min(sign / (1 + exp(-Double($0))), 1 - 0x1p-53) }
      var symbols = [UInt8](repeating: 9, count: logits.count)
      #expect(sl_draw_bernoulli(logits, uniforms, &symbols, logits.count) == 0)
      let told = logits.indices.filter { symbol == 1 || logits[$0] < 13 }
      #expect(told.allSatisfy { symbols[$0] == symbol })
    }
  }

  @Test func bernoulliOfARareZero() {
    // p(0) is 1 in 3.3 million: what a float near one could not say to more than two digits.
    let p = 1 / (1 + exp(15.0))
    var symbols: [UInt8] = [9, 9]
    let refused = sl_draw_bernoulli([15, 15], [1 - p * 1.000001, 1 - p * 0.999999], &symbols, 2)
    #expect(refused == 0)
    #expect(symbols == [1, 0])
  }

  @Test(arguments: [2, 3, 16, 17, 256])
  func categoricalFollowsItsProbabilities(_ k: Int) {
    var draws = Draws(k)
    let logits = draws.floats(k).map { 5 * $0 }
    let top = Double(logits.max()!)
    let sum = logits.reduce(0.0) { $0 + exp(Double($1) - top) }
    func drawn(_ uniform: Double) -> Int {
      var symbol: UInt8 = 0
      #expect(sl_draw_categorical(logits, [uniform], &symbol, 1, k) == 0)
      return Int(symbol)
    }
    // Each level's share of 0 ..< 1 begins where the last one's ends, found by halving.
    var begin = 0.0
    for l in 0..<k {
      var (inside, end) = (begin, 1.0)
      while case let middle = (inside + end) / 2, inside < middle, middle < end {
        if drawn(middle) <= l { inside = middle } else { end = middle }
      }
      #expect(drawn(begin) == l && drawn(inside) == l)
      let expected = exp(Double(logits[l]) - top) / sum
      #expect(abs((end - begin) / expected - 1) < 1e-6)
      begin = end
    }
    #expect(begin == 1)
  }

  @Test func theEndsOfTheUnitIntervalAreDrawnToo() {
    var symbols: [UInt8] = [9, 9]
    let logits: [Float] = [-.infinity, 0, 1, -200, -.infinity, 0, 1, -200]
    #expect(sl_draw_categorical(logits, [0, 1 - 0x1p-53], &symbols, 2, 4) == 0)
    #expect(symbols == [1, 2])
  }

  @Test func whatIsNotFiniteIsCounted() {
    var symbols = [UInt8](repeating: 0, count: 4)
    let uniforms = [0.5, 0.5, 0.5, 0.5]
    #expect(sl_draw_bernoulli([0, .nan, .infinity, -.infinity], uniforms, &symbols, 4) == 3)
    let logits: [Float] = [0, .nan, .nan, 0, .infinity, 0, -.infinity, -.infinity]
    #expect(sl_draw_categorical(logits, uniforms, &symbols, 4, 2) == 4)
  }
}
