import Foundation

/// How far out in the upper tail of normal values a value lies: one side of `Tails`.
package struct UpperTail: Sendable {
  private let ascending: [Double]
  /// The value with the outer 2 %, at least ten, above it, and the mean distance of those from it.
  private let start: Double
  private let scale: Double
  /// −ln of their share.
  private let depthAtStart: Double

  /// Of values in any order, at least one, none NaN.
  package init(_ values: [Double]) { self.init(ascending: values.sorted()) }

  init(ascending: [Double]) {
    precondition(!ascending.isEmpty, "a tail needs at least one value")
    self.ascending = ascending
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

  /// Without one of the values, which is judged as if it were new.
  package func leavingOut(_ value: Double) -> UpperTail {
    guard ascending.count > 1 else { return self }
    let place = ascending.partitioningIndex { $0 >= value }
    var rest = ascending
    rest.remove(at: min(place, rest.count - 1))
    return UpperTail(ascending: rest)
  }

  /// −ln of the share of values that are at least as high; 0 or more, infinite for NaN.
  package func depth(of value: Double) -> Double {
    if value.isNaN { return .infinity }
    if value > start { return depthAtStart + (value - start) / scale }
    let below = ascending.partitioningIndex { $0 >= value }
    return max(0, -log((Double(ascending.count - below) + 0.5) / Double(ascending.count + 1)))
  }
}
