import CKernels
import Foundation

/// How far out in the upper tail of normal values a value lies: one side of `Tails`.
package struct UpperTail: Sendable {
  private let values: AscendingValues
  private let beyond: ExponentialTail

  /// Of values in any order, at least one, none NaN.
  package init(_ values: [Double]) { self.init(AscendingValues(values)) }

  private init(_ values: AscendingValues) {
    self.values = values
    beyond = ExponentialTail(ascending: values.values)
  }

  /// Without one of the values, which is judged as if it were new.
  package func leavingOut(_ value: Double) -> UpperTail {
    guard values.count > 1 else { return self }
    var rest = values.values
    rest.remove(at: min(values.below(value), rest.count - 1))
    return UpperTail(AscendingValues(ascending: rest))
  }

  /// −ln of the share of values that are at least as high; 0 or more, infinite for NaN.
  package func depth(of value: Double) -> Double {
    beyond.depth(of: value)
      ?? rankDepth(values.count - values.below(value), of: values.count)
  }
}

/// Values to find ranks among.
struct AscendingValues: Sendable {
  let values: [Double]

  init(_ values: [Double]) { self.init(ascending: values.sorted()) }

  init(ascending values: [Double]) {
    precondition(!values.isEmpty, "a tail needs at least one value")
    self.values = values
  }

  var count: Int { values.count }

  /// How many lie below each of some numbers.
  func below(_ numbers: [Double]) -> [Int] {
    [Int](unsafeUninitializedCapacity: numbers.count) { below, count in
      if let start = below.baseAddress {
        sl_below(values, values.count, numbers, numbers.count, start)
      }
      count = numbers.count
    }
  }

  func below(_ value: Double) -> Int { below([value])[0] }

  /// How many are at most a value that so many lie below.
  func atMost(_ value: Double, below: Int) -> Int {
    guard below < count, values[below] == value else { return below }
    return values.partitioningIndex { $0 > value }
  }
}

/// What takes the place of ranks where normal values are few or none: beyond the outer 2 %, at least ten,
/// an exponential of their mean distance from the value that they lie beyond.
struct ExponentialTail: Sendable {
  private let start: Double
  private let scale: Double
  /// −ln of their share.
  private let depthAtStart: Double

  init(ascending: [Double]) {
    let count = ascending.count
    let outer = min(max(10, count / 50), max(1, count - 1))
    // What the model holds impossible is no farther out than the farthest that it does not.
    let finite = ascending.filter(\.isFinite)
    let (least, most) = (finite.first ?? 0, finite.last ?? 0)
    let start = min(max(ascending[max(0, count - 1 - outer)], least), most)
    let beyond = ascending.suffix(outer).reduce(0.0) { sum, value in
      sum + (min(max(value, least), most) - start) / Double(outer)
    }
    self.start = start
    scale = max(beyond, 1e-9 * max(1, abs(start)))
    depthAtStart = -log(Double(outer) / Double(count))
  }

  /// −ln of a share; nil for values that do not lie beyond, infinite for NaN.
  func depth(of value: Double) -> Double? {
    if value.isNaN { return .infinity }
    return value > start ? depthAtStart + (value - start) / scale : nil
  }
}

/// −ln of the share that as many of so many values are; 0 or more.
func rankDepth(_ some: Int, of count: Int) -> Double {
  max(0, -log((Double(some) + 0.5) / Double(count + 1)))
}
