import Foundation
import Tensors

protocol PaletteElement: BinaryFloatingPoint, Sendable {}
extension Float: PaletteElement {}
extension Double: PaletteElement {}

/// A palette's parameters as numbers.
struct PaletteWeights<Element: PaletteElement>: Sendable {
  /// `[U, T]` each.
  let seen: [Element]
  let often: [Element]
  /// `[U]` each.
  let bias: [Element]
  let variety: [Element]
  let output: [Element]

  init(_ weight: Parameter, _ bias: Parameter, _ variety: Parameter, _ output: Parameter) {
    func whole(_ parameter: Parameter) -> [Element] {
      parameter.value.values.map { Element($0 * Palette.pace) }
    }
    let both = whole(weight)
    let rows = (0..<Palette.units).map { both[$0 * 2 * Palette.taps..<($0 + 1) * 2 * Palette.taps] }
    seen = rows.flatMap { $0.prefix(Palette.taps) }
    often = rows.flatMap { $0.suffix(Palette.taps) }
    self.bias = whole(bias)
    self.variety = whole(variety)
    self.output = whole(output)
  }
}

/// The levels that one channel of an image has had so far, and what its palette's units make of them.
///
/// Inner loops go along the levels, without sums over them, so that a compiler can take several at once.
struct LevelsSoFar<Element: PaletteElement> {
  /// `[U, K]`: the units' sums, but for d log(1 + k).
  private var sums: [Element]
  private var counts: [Int]
  private var distinct = 0

  init(_ levels: Int, _ weights: PaletteWeights<Element>) {
    counts = Array(repeating: 0, count: levels)
    sums = weights.bias.flatMap { Array(repeating: $0, count: levels) }
  }

  private var variety: Element { Element(log1p(Double(distinct))) }

  /// By how much the two features of a level grow where it occurs once more.
  private func growth(of level: Int) -> (seen: Element, often: Element) {
    let count = counts[level]
    return (count == 0 ? 1 : 0, Element(log(Double(count + 2) / Double(count + 1))))
  }

  /// A level occurs once more.
  mutating func tell(_ level: Int, _ weights: PaletteWeights<Element>) {
    let ((seen, often), levels) = (growth(of: level), counts.count)
    if counts[level] == 0 { distinct += 1 }
    counts[level] += 1
    sums.withUnsafeMutableBufferPointer { sums in
      Self.taps(of: level, levels) { tap, place in
        for unit in 0..<Palette.units {
          sums[unit * levels + place] +=
            weights.seen[unit * Palette.taps + tap] * seen
            + weights.often[unit * Palette.taps + tap] * often
        }
      }
    }
  }

  /// The taps that see a level, and from where.
  @inline(__always)
  private static func taps(
    of level: Int, _ levels: Int, _ visit: (_ tap: Int, _ place: Int) -> Void
  ) {
    let reach = Palette.taps / 2
    for place in max(0, level - reach)...min(levels - 1, level + reach) {
      visit(level - place + reach, place)
    }
  }

  /// Adds what the units say to the logits of the levels.
  func add(to logits: UnsafeMutablePointer<Element>, _ weights: PaletteWeights<Element>) {
    let (levels, variety) = (counts.count, variety)
    sums.withUnsafeBufferPointer { sums in
      for unit in 0..<Palette.units {
        let own = sums.baseAddress! + unit * levels
        let (shift, output) = (weights.variety[unit] * variety, weights.output[unit])
        for level in 0..<levels {
          let x = own[level] + shift
          logits[level] += output * (x > 0 ? x : 0)
        }
      }
    }
  }

  // MARK: The way back

  /// Adds what the gradient of a sub-pixel's logits gives.
  func add(
    _ logits: UnsafePointer<Element>, to gradient: inout PaletteGradient<Element>,
    _ weights: PaletteWeights<Element>
  ) {
    let (levels, variety) = (counts.count, variety)
    gradient.withPointers { units, varieties, outputs in
      sums.withUnsafeBufferPointer { sums in
        for unit in 0..<Palette.units {
          let first = unit * levels
          let own = sums.baseAddress! + first
          let (units, varieties, outputs) = (units + first, varieties + first, outputs + first)
          let (shift, output) = (weights.variety[unit] * variety, weights.output[unit])
          for level in 0..<levels {
            let x = own[level] + shift
            let dy = logits[level]
            let dx = x > 0 ? output * dy : 0
            units[level] += dx
            varieties[level] += variety * dx
            outputs[level] += dy * (x > 0 ? x : 0)
          }
        }
      }
    }
  }

  /// A level occurs once more. A feature that grows now is in all units' sums after it, so a weight's gradient
  /// has, for each growth, what the units' own gradients come to in the end less what they come to now.
  mutating func tell(
    _ level: Int, _ weights: PaletteWeights<Element>,
    _ gradient: inout PaletteGradient<Element>
  ) {
    let ((seen, often), levels) = (growth(of: level), counts.count)
    Self.taps(of: level, levels) { tap, place in
      for unit in 0..<Palette.units {
        let now = gradient.units[unit * levels + place]
        gradient.seen[unit * Palette.taps + tap] -= now * seen
        gradient.often[unit * Palette.taps + tap] -= now * often
      }
    }
    tell(level, weights)
  }

  /// What the units' own gradients come to in the end.
  func end(_ gradient: inout PaletteGradient<Element>) {
    let levels = counts.count
    for (level, count) in counts.enumerated() where count > 0 {
      let often = Element(log1p(Double(count)))
      Self.taps(of: level, levels) { tap, place in
        for unit in 0..<Palette.units {
          let all = gradient.units[unit * levels + place]
          gradient.seen[unit * Palette.taps + tap] += all
          gradient.often[unit * Palette.taps + tap] += all * often
        }
      }
    }
  }
}

/// The gradients of a palette's parameters by one channel of an image.
struct PaletteGradient<Element: PaletteElement> {
  /// `[U, T]`.
  var seen = [Element](repeating: 0, count: Palette.units * Palette.taps)
  var often = [Element](repeating: 0, count: Palette.units * Palette.taps)
  /// Of the units' sums, of d and of o, by level: `[U, K]`.
  private(set) var units: [Element]
  private var varieties: [Element]
  private var outputs: [Element]

  init(_ levels: Int) {
    units = Array(repeating: 0, count: Palette.units * levels)
    (varieties, outputs) = (units, units)
  }

  fileprivate mutating func withPointers(
    _ body: (
      _ units: UnsafeMutablePointer<Element>, _ varieties: UnsafeMutablePointer<Element>,
      _ outputs: UnsafeMutablePointer<Element>
    ) -> Void
  ) {
    units.withUnsafeMutableBufferPointer { units in
      varieties.withUnsafeMutableBufferPointer { varieties in
        outputs.withUnsafeMutableBufferPointer { outputs in
          body(units.baseAddress!, varieties.baseAddress!, outputs.baseAddress!)
        }
      }
    }
  }

  /// In the order of `Palette`'s parameters.
  var values: [[Double]] {
    func rows(_ values: [Element]) -> [ArraySlice<Element>] {
      let width = values.count / Palette.units
      return (0..<Palette.units).map { values[$0 * width..<($0 + 1) * width] }
    }
    func sums(_ values: [Element]) -> [Double] {
      rows(values).map { $0.reduce(0) { $0 + Double($1) } * Palette.pace }
    }
    let weights = zip(rows(seen), rows(often)).flatMap { Array($0) + Array($1) }
    return [weights.map { Double($0) * Palette.pace }, sums(units), sums(varieties), sums(outputs)]
  }
}
