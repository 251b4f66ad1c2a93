import Foundation

/// How far out in the tails of normal values a value lies: −ln of the share of normal values that lie as
/// far out, by rank within them and by an exponential tail beyond the outer 2 %, so that no value is as
/// odd as any other just because no normal one lies beyond it.
///
/// ```swift
/// let tails = Tails(of: normalNats)
/// tails.upper(at: nats)  // ln 20 where a normal image in twenty has as many
/// ```
public struct Tails: Sendable {
  private let values: AscendingValues
  private let high: ExponentialTail
  private let low: ExponentialTail
  /// Of ranks among as many values, the standard normal numbers.
  private let ranks: NormalRanks

  /// Of values in any order, at least one, none NaN.
  public init(of normal: [Double]) { self.init(of: normal, NormalRanks(normal.count)) }

  /// - Parameter ranks: of as many values.
  init(of normal: [Double], _ ranks: NormalRanks) {
    values = AscendingValues(normal)
    high = ExponentialTail(ascending: values.values)
    low = ExponentialTail(ascending: values.values.reversed().map { -$0 })
    self.ranks = ranks
  }

  /// −ln of the share of values that are at least as high; 0 or more, infinite for NaN.
  public func upper(at value: Double) -> Double {
    high.depth(of: value) ?? rankDepth(values.count - values.below(value), of: values.count)
  }

  /// The same of those that are at least as low.
  public func lower(at value: Double) -> Double {
    low.depth(of: -value)
      ?? rankDepth(values.atMost(value, below: values.below(value)), of: values.count)
  }

  /// How odd a value is, higher being odder: by the tail that counts; of both, by the farther.
  public func oddness(of value: Double, _ tail: Tail) -> Double {
    switch tail {
    case .high: upper(at: value)
    case .low: lower(at: value)
    case .both: max(upper(at: value), lower(at: value))
    }
  }

  /// The value as a standard normal number that lies as far out, negative on the low side; where only one
  /// tail counts, the other's numbers are 0.
  public func normalScore(of value: Double, _ tail: Tail) -> Double {
    normalScores(of: [value], tail)[0]
  }

  /// Of each value, quicker than one by one.
  func normalScores(of column: [Double], _ tail: Tail) -> [Double] {
    zip(column, values.below(column)).map { value, below in
      let high =
        self.high.depth(of: value).map(normalQuantile(depth:)) ?? ranks[values.count - below]
      let low =
        self.low.depth(of: -value).map(normalQuantile(depth:))
        ?? ranks[values.atMost(value, below: below)]
      return switch tail {
      case .high: high >= low ? high : 0
      case .low: low > high ? -low : 0
      case .both: high >= low ? high : -low
      }
    }
  }
}

/// The standard normal number that as large a share lies beyond, of a rank among so many values.
struct NormalRanks: Sendable {
  private let scores: [Double]

  init(_ count: Int) {
    scores = (0...count).map { normalQuantile(depth: rankDepth($0, of: count)) }
  }

  /// 0 where it is above a half.
  subscript(some: Int) -> Double { scores[some] }
}

/// The standard normal number that a share e^−depth lies beyond; 0 for shares above a half. What lies
/// deeper than any normal number has sense grows with the root of the depth, up to 130.
func normalQuantile(depth: Double) -> Double {
  if depth <= M_LN2 { return 0 }
  if depth > 500 { return 33 + min(depth - 500, 1e4).squareRoot() }
  return upperNormalQuantile(exp(-depth))
}

/// The number z with P(Z > z) = p for 0 < p ≤ ½, to 16 digits (Wichura 1988, algorithm AS 241,
/// doi:10.2307/2347330).
private func upperNormalQuantile(_ p: Double) -> Double {
  func ratio(_ x: Double, _ above: [Double], _ below: [Double]) -> Double {
    func polynomial(_ coefficients: [Double]) -> Double {
      coefficients.reversed().reduce(0) { $0 * x + $1 }
    }
    return polynomial(above) / polynomial(below)
  }
  let q = 0.5 - p
  if q <= 0.425 { return q * ratio(0.180625 - q * q, centre.0, centre.1) }
  let r = (-log(p)).squareRoot()
  return r <= 5 ? ratio(r - 1.6, middle.0, middle.1) : ratio(r - 5, far.0, far.1)
}

private let centre = (
  [
    3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
    45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727,
  ],
  [
    1, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077,
    21213.794301586595867, 39307.895800092710610, 28729.085735721942674, 5226.4952788528545610,
  ]
)
private let middle = (
  [
    1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550,
    3.64784832476320460504, 1.27045825245236838258, 0.241780725177450611770,
    0.0227238449892691845833, 7.74545014278341407640e-4,
  ],
  [
    1, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550,
    0.148103976427480074590, 0.0151986665636164571966, 5.47593808499534494600e-4,
    1.05075007164441684324e-9,
  ]
)
private let far = (
  [
    6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580,
    0.296560571828504891230, 0.0265321895265761230930, 0.00124266094738807843860,
    2.71155556874348757815e-5, 2.01033439929228813265e-7,
  ],
  [
    1, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525,
    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
    2.04426310338993978564e-15,
  ]
)
