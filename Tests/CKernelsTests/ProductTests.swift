import CKernels
import Testing

/// A product of weights with images side by side.
struct ProductCase: CustomTestStringConvertible {
  var seed: Int
  var rows, columns, images: Int
  var half, relu, halfResult, staircase, addend: Bool

  /// Odd sizes, several blocks of rows, several runs of a sum, and a few large ones.
  static let all = (0..<48).map { seed in
    var draws = Draws(seed)
    let large = seed % 8 == 0
    return ProductCase(
      seed: seed, rows: draws.integer(large ? 90...140 : 1...60),
      columns: draws.integer(large ? 500...900 : 1...300),
      images: draws.integer(large ? 250...300 : 1...90), half: seed % 2 == 1, relu: seed % 3 == 0,
      halfResult: seed / 2 % 2 == 1, staircase: seed % 5 < 2, addend: seed % 7 < 3)
  }

  var testDescription: String {
    "\(columns) to \(rows), \(images) images, \(half ? "bfloat16" : "float32") \(seed)"
  }

  var lanes: Int { (images + 15) / 16 * 16 }
  var stride: Int { (columns + 1) / 2 * 2 }
}

/// The operands of a case, and what to do with them.
struct Product {
  let c: ProductCase
  let lengths: [UInt32]
  let weights, bias, x, addend: Memory
  /// [columns, images] and [rows, columns], as they are multiplied.
  let inputs, factors: [Float]

  init(_ c: ProductCase) {
    self.c = c
    var draws = Draws(c.seed + 1000)
    lengths = (0..<c.rows).map { row in
      c.staircase ? UInt32(draws.integer(0...c.columns) * (row + 1) / c.rows) : UInt32(c.columns)
    }
    var factors = draws.floats(c.rows * c.stride, half: c.half)
    for row in 0..<c.rows {
      for column in Int(lengths[row])..<c.stride { factors[row * c.stride + column] = 0 }
    }
    self.factors = factors
    weights = Memory(factors, half: c.half)
    bias = Memory(draws.floats(c.rows))
    addend = Memory(draws.floats(c.rows * c.lanes))
    inputs = draws.floats(c.columns * c.images, half: c.half)
    x = Memory(bytes: c.stride * c.lanes * (c.half ? 2 : 4))
    for k in 0..<c.columns {
      for n in 0..<c.images { Product.put(inputs[k * c.images + n], into: x, k, n, c) }
    }
  }

  static func put(_ number: Float, into x: Memory, _ k: Int, _ n: Int, _ c: ProductCase) {
    if c.half {
      x.halves[(k / 2 * c.lanes + n) * 2 + k % 2] = UInt16(number.bitPattern >> 16)
    } else {
      x.floats[k * c.lanes + n] = number
    }
  }

  /// Rows of the result in as many calls as there are ranges, from another x if there is one.
  func multiply(_ parts: [Range<Int>], threads: Int, x other: Memory? = nil, lanes: Int? = nil)
    -> Memory
  {
    let lanes = lanes ?? c.lanes
    let y = Memory(bytes: (c.rows + 1) / 2 * 2 * lanes * (c.halfResult ? 2 : 4))
    lengths.withUnsafeBufferPointer { lengths in
      var shape = sl_product(
        rows: c.rows, columns: c.columns, stride: c.stride, weights: weights.start,
        bias: bias.floats, lengths: c.staircase ? lengths.baseAddress : nil, half: c.half ? 1 : 0,
        relu: c.relu ? 1 : 0, half_result: c.halfResult ? 1 : 0)
      onThreads(threads) {
        for part in parts {
          sl_multiply(
            &shape, part.lowerBound, part.upperBound, (other ?? x).start,
            c.addend && lanes == c.lanes ? addend.floats : nil, y.start, lanes)
        }
      }
    }
    return y
  }

  func result(_ y: Memory, _ row: Int, _ n: Int) -> Float {
    c.halfResult
      ? y.number((row / 2 * c.lanes + n) * 2 + row % 2, half: true)
      : y.floats[row * c.lanes + n]
  }
}

@Suite struct Products {
  @Test(arguments: ProductCase.all)
  func agreesWithSumsInDoublePrecision(_ c: ProductCase) {
    let product = Product(c)
    let y = product.multiply([0..<c.rows], threads: 1)
    var worst = 0.0
    for row in 0..<c.rows {
      for n in 0..<c.images {
        var sum = Double(product.bias.floats[row])
        for k in 0..<c.columns {
          sum +=
            Double(product.factors[row * c.stride + k]) * Double(product.inputs[k * c.images + n])
        }
        if c.addend { sum += Double(product.addend.floats[row * c.lanes + n]) }
        if c.relu { sum = max(sum, 0) }
        worst = max(worst, abs(sum - Double(product.result(y, row, n))) / max(1, abs(sum)))
      }
    }
    #expect(worst < (c.halfResult ? 0x1p-8 : 1e-5))
  }

  @Test(arguments: ProductCase.all)
  func givesTheSameBitsOnAnyNumberOfThreadsAndRowByRow(_ c: ProductCase) {
    let product = Product(c)
    let whole = product.multiply([0..<c.rows], threads: 1)
    #expect(product.multiply([0..<c.rows], threads: 2).isSame(whole))
    #expect(product.multiply((0..<c.rows).map { $0..<$0 + 1 }, threads: 1).isSame(whole))
    var draws = Draws(c.seed)
    var parts: [Range<Int>] = []
    while parts.last?.upperBound ?? 0 < c.rows {
      let first = parts.last?.upperBound ?? 0
      parts.append(first..<min(first + draws.integer(1...30), c.rows))
    }
    #expect(product.multiply(parts, threads: 1).isSame(whole))
  }

  @Test(arguments: ProductCase.all)
  func givesAnImageTheSameBitsAloneAndAmongOthers(_ c: ProductCase) {
    var alone = c
    alone.addend = false
    let product = Product(alone)
    let whole = product.multiply([0..<c.rows], threads: 2)
    for n in Set([0, c.images / 2, c.images - 1]) {
      var one = alone
      one.images = 1
      let x = Memory(bytes: c.stride * 16 * 4)
      for k in 0..<c.columns { Product.put(product.inputs[k * c.images + n], into: x, k, 0, one) }
      let y = product.multiply([0..<c.rows], threads: 1, x: x, lanes: 16)
      for row in 0..<c.rows {
        let found =
          c.halfResult ? y.number((row / 2 * 16) * 2 + row % 2, half: true) : y.floats[row * 16]
        #expect(found.bitPattern == product.result(whole, row, n).bitPattern)
      }
    }
  }

  @Test(arguments: [(7, 5), (100, 37), (64, 256), (33, 300)], [false, true])
  func imagesGoIntoLanesAndBack(_ sizes: (elements: Int, images: Int), half: Bool) {
    let (elements, images) = sizes
    let lanes = (images + 15) / 16 * 16
    var draws = Draws(elements)
    let stride = elements + 3
    let symbols = (0..<images * stride).map { _ in UInt8(draws.integer(0...255)) }
    let x = Memory(bytes: (elements + 1) / 2 * 2 * lanes * (half ? 2 : 4))
    let parts = Memory(bytes: x.bytes)
    for threads in 1...2 {
      onThreads(threads) {
        sl_lanes_of_symbols(
          symbols, images, stride, 2, elements, 0.25, -1, half ? 1 : 0, x.start, 0, lanes)
      }
      for first in 0..<elements {
        sl_lanes_of_symbols(
          symbols, images, stride, 2 + first, 1, 0.25, -1, half ? 1 : 0, parts.start, first, lanes)
      }
      #expect(parts.isSame(x))
    }
    let c = ProductCase(
      seed: 0, rows: 0, columns: elements, images: images, half: half, relu: false,
      halfResult: half, staircase: false, addend: false)
    let expected = Memory(bytes: x.bytes)
    for k in 0..<elements {
      for n in 0..<images {
        let value = Float(symbols[n * stride + 2 + k]) * 0.25 - 1
        Product.put(half ? value.roundedToHalf : value, into: expected, k, n, c)
      }
    }
    #expect(x.isSame(expected))
    if half { return }
    let back = Memory(bytes: images * stride * 4)
    onThreads(2) { sl_rows_of_lanes(x.floats, elements, lanes, images, back.floats, stride) }
    for n in 0..<images {
      for k in 0..<elements {
        #expect(back.floats[n * stride + k] == x.floats[k * lanes + n])
      }
    }
  }
}
