import Randomness

/// The p-value of each image of a stream among all before it: those set aside in training, and what the
/// stream has brought so far (Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random World,
/// section 2.5).
///
///     p_t = (#{i < t : s_i > s_t} + U_t #{i ≤ t : s_i = s_t}) / t
///
/// While images are exchangeable the p-values are independent and uniform on 0 … 1, exactly; ranks among
/// the normal images alone would all err together, as those few images do. U_t is keyed by t, so that a
/// stream that was stopped goes on as if it had not been.
package struct OnlineRanks {
  private var ascending: [Double]
  private let normal: Int

  package init(_ normal: [Double]) {
    ascending = normal.sorted()
    self.normal = normal.count
  }

  /// How many images of the stream have been ranked.
  package var count: Int { ascending.count - normal }

  package mutating func pValue(of score: Double) -> Double {
    let below = ascending.partitioningIndex { $0 >= score }
    let above = ascending.count - ascending.partitioningIndex { $0 > score }
    let ties = ascending.count - above - below + 1
    var stream = RandomStream(seed: 0, "drift ties", count)
    // Never zero: a bettor would have won all there is.
    let share = 1 - stream.uniform()
    ascending.insert(score, at: below)
    return (Double(above) + share * Double(ties)) / Double(ascending.count)
  }
}
