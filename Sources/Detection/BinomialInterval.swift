import Foundation

/// A confidence interval for a share, 0 … 1, of which `successes` in `trials` were seen: for example
/// a realised false-alarm rate.
///
/// ```swift
/// binomialInterval(successes: 0, trials: 10)  // 0 ... 0.3085
/// ```
///
/// Exact: the interval covers the true share at least as often as `confidence` says, at any count
/// (Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404).
public func binomialInterval(
  successes: Int, trials: Int, confidence: Double = 0.95
) -> ClosedRange<Double> {
  precondition(
    trials > 0 && (0...trials).contains(successes),
    "successes must be 0 … trials, found \(successes) of \(trials)")
  precondition(confidence > 0 && confidence < 1, "confidence must be 0 … 1, found \(confidence)")
  let tail = (1 - confidence) / 2
  // The upper end is the lower end with failure and success exchanged.
  return lowerEnd(
    successes: successes, trials: trials, tail: tail)...(1
    - lowerEnd(successes: trials - successes, trials: trials, tail: tail))
}

/// The share at which `successes` or more would be seen with probability `tail`.
private func lowerEnd(successes: Int, trials: Int, tail: Double) -> Double {
  guard successes > 0 else { return 0 }
  var low = 0.0
  var high = Double(successes) / Double(trials)
  while true {
    let middle = (low + high) / 2
    if middle <= low || middle >= high { return low }
    if probability(of: successes, orMoreIn: trials, share: middle) < tail {
      low = middle
    } else {
      high = middle
    }
  }
}

/// P(X ≥ k) for X binomial, for a share of at most k / n: there the terms fall from the first on, so
/// that the sum may end where they no longer count.
private func probability(of k: Int, orMoreIn n: Int, share: Double) -> Double {
  func logFactorial(_ m: Int) -> Double { lgamma(Double(m) + 1) }
  let (first, last) = (Double(k), Double(n - k))
  var term = exp(
    logFactorial(n) - logFactorial(k) - logFactorial(n - k) + first * log(share)
      + last * log1p(-share))
  var sum = term
  var i = k
  while i < n, term > sum * 1e-17 {
    term *= Double(n - i) / Double(i + 1) * share / (1 - share)
    sum += term
    i += 1
  }
  return sum
}
