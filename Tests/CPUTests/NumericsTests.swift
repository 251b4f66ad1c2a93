import CPU
import Foundation
import Tensors
import TestSupport
import Testing

/// The kernels' own exponential, logarithm, sigmoid and softplus, element by element.
@Suite struct Numerics {
  let backend = CPUBackend.shared

  /// Not a number counts as far off.
  private func worst(
    _ found: [Double], _ expected: [Double], above floor: Double = 0x1p-126
  ) -> Double {
    precondition(found.count == expected.count)
    return zip(found, expected).reduce(0) { worst, pair in
      let error = abs(pair.0 - pair.1) / max(abs(pair.1), floor)
      return error <= worst ? worst : (error.isNaN ? .infinity : error)
    }
  }

  /// −110 … 110 in steps of 1/1024, which float32 holds exactly.
  private let range = (-110 * 1024...110 * 1024).map { Double($0) / 1024 }

  @Test func sigmoid() {
    let x = Tensor([range.count], .float32, values: range)
    let y = Tensor(x.shape, .float32)
    backend.activate(.sigmoid, x, into: y)
    // Where e^x has no normal float32, zero or what is left will do.
    #expect(worst(y.values, range.map { 1 / (1 + exp(-$0)) }, above: 0x1p-125) < 1)
    let normal = range.indices.filter { range[$0] > -87 }
    #expect(
      worst(normal.map { y.element($0) }, normal.map { 1 / (1 + exp(-range[$0])) }) < 4e-7)
  }

  @Test(arguments: [0, 1])
  func softplus(_ symbol: UInt8) {
    let logits = Tensor([range.count], .float32, values: range)
    let y = Tensor(logits.shape, .float32)
    backend.bernoulliLogProbability(
      logits, [UInt8](repeating: symbol, count: range.count), into: y)
    let expected = range.map { logit in
      let x = symbol == 1 ? -logit : logit
      return -(max(x, 0) + log1p(exp(-abs(x))))
    }
    // The tail below e^−87 is cut to zero.
    #expect(worst(y.values, expected, above: 1e-30) < 4e-7)
  }

  @Test("exp, as the probability of the second of two levels")
  func exponential() {
    let below = range.filter { $0 > -87 && $0 <= 0 }
    let logits = Tensor([below.count, 2], .float32, values: below.flatMap { [0, $0] })
    let dy = Tensor([below.count], .float32, values: [Double](repeating: -1, count: below.count))
    let dlogits = Tensor(logits.shape, .float32)
    backend.categoricalGradient(
      dy, logits, [UInt8](repeating: 0, count: below.count), into: dlogits)
    let found = dlogits.values
    #expect(
      worst(below.indices.map { found[2 * $0 + 1] }, below.map { exp($0) / (1 + exp($0)) }) < 4e-7)
  }

  @Test("log, of the number of equal levels", arguments: 2...256)
  func logarithm(_ levels: Int) {
    let y = Tensor([1], .float32)
    backend.categoricalLogProbability(.zeros([1, levels]), [0], into: y)
    #expect(abs(y.element(0) + log(Double(levels))) < 3e-7 * log(Double(levels)))
  }

  /// A silent number in its place would hide that training has failed.
  @Test(arguments: [1, 2, 5, 16, 17, 64])
  func notANumberComesThrough(_ count: Int) {
    for place in Set([0, count / 2, count - 1]) {
      for nan in [Float.nan, -Float.nan] {
        let x = Tensor.zeros([count], .float32)
        x.floats[place] = nan
        let y = Tensor(x.shape, .float32)
        let ones = Tensor([count], .float32, values: [Double](repeating: 1, count: count))
        for symbol: UInt8 in [0, 1] {
          let symbols = [UInt8](repeating: symbol, count: count)
          backend.bernoulliLogProbability(x, symbols, into: y)
          #expect(y.element(place).isNaN)
          backend.bernoulliGradient(ones, x, symbols, into: y)
          #expect(y.element(place).isNaN)
        }
        for activation: Activation in [.relu, .sigmoid] {
          backend.activate(activation, x, into: y)
          #expect(y.element(place).isNaN)
        }
        #expect(backend.sumOfSquares(x, nil).isNaN)
        guard count > 1 else { continue }
        let row = x.reshaped([1, count])
        for symbol in [0, count - 1] {
          let one = Tensor([1], .float32)
          backend.categoricalLogProbability(row, [UInt8(symbol)], into: one)
          #expect(one.element(0).isNaN, "level \(place) of \(count) is not a number")
          backend.categoricalGradient(
            Tensor([1], .float32, values: [1]), row, [UInt8(symbol)], into: y)
          #expect(y.values.allSatisfy { $0.isNaN })
        }
      }
    }
  }

  @Test func notANumberComesThroughBFloat16() {
    // Both signs: the processor makes the negative one of 0 · ∞.
    let x = Tensor([20], .bfloat16, values: [Double](repeating: 1, count: 20))
    let bits = x.pointer.assumingMemoryBound(to: UInt16.self)
    bits[3] = 0x7fc0
    bits[17] = 0xffc0
    let y = Tensor(x.shape, .bfloat16)
    backend.activate(.relu, x, into: y)
    #expect(y.element(3).isNaN && y.element(17).isNaN)
    #expect(y.values.filter { $0 == 1 }.count == 18)
    let wide = Tensor(x.shape, .float32)
    backend.convert(x, into: wide)
    #expect(wide.element(3).isNaN && wide.element(17).isNaN)
    backend.convert(wide, into: y)
    #expect(y.element(3).isNaN && y.element(17).isNaN)
  }

  @Test func infinities() {
    let logits = Tensor([4], .float32, values: [.infinity, .infinity, -.infinity, -.infinity])
    let y = Tensor([4], .float32)
    backend.bernoulliLogProbability(logits, [1, 0, 1, 0], into: y)
    #expect(y.values == [0, -.infinity, -.infinity, 0])
    backend.activate(.sigmoid, logits, into: y)
    expectClose(y.values, [1, 1, 0, 0], tolerance: 1e-30)
    let row = Tensor([1, 3], .float32, values: [0, -.infinity, 0])
    let one = Tensor([1], .float32)
    backend.categoricalLogProbability(row, [1], into: one)
    #expect(one.values == [-.infinity])
    backend.categoricalLogProbability(row, [0], into: one)
    expectClose(one.values, [-log(2)], tolerance: 1e-7)
    // All of the mass at infinity has no share: the reference says so too.
    row.set(1, to: .infinity)
    backend.categoricalLogProbability(row, [1], into: one)
    #expect(one.element(0).isNaN)
  }

  @Test("float32 to bfloat16 rounds as the tensor does, for every upper half")
  func narrow() {
    var patterns: [Float] = []
    for upper: UInt32 in 0...0xffff {
      for lower: UInt32 in [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
        patterns.append(Float(bitPattern: upper << 16 | lower))
      }
    }
    let x = Tensor([patterns.count], .float32, values: patterns.map(Double.init))
    let y = Tensor(x.shape, .bfloat16)
    backend.convert(x, into: y)
    let expected = Tensor(x.shape, .bfloat16, values: x.values)
    let different = zip(y.values, expected.values).filter { $0 != $1 && !($0.isNaN && $1.isNaN) }
    #expect(different.isEmpty)
  }

  @Test("rows beyond what a float32 can count are summed too")
  func sumOfVeryManyRows() {
    let rows = (1 << 24) + 1
    let x = Tensor.zeros([rows, 1], .float32)
    x.set(rows - 1, to: 5)
    let y = Tensor([1], .float32)
    backend.sumOfRows(x, into: y)
    #expect(y.element(0) == 5)
  }
}
