import Randomness

/// Which images a training of both experts sets aside: a quarter, sixty at least where that leaves as
/// many, two thousand at most. Those of a group stay on one side.
///
/// - Parameters:
///   - groups: of each image, the number of its group.
///   - seed: keys the draw.
///   - asked: how many are wanted; nil for the above.
/// - Returns: indices, ascending; of two images or more at least one, and never all.
public func heldOutImages(groups: [Int], seed: UInt64, count asked: Int? = nil) -> [Int] {
  let count = groups.count
  guard count > 1 else { return [] }
  let wanted =
    asked.map { max(1, min($0, count - 1)) } ?? usualCount(of: count)
  var members: [Int: [Int]] = [:]
  for (index, group) in groups.enumerated() { members[group, default: []].append(index) }
  let names = members.keys.sorted()
  var random = RandomStream(seed: seed, "held out")
  var held: [Int] = []
  for place in random.permutation(of: names.count) {
    let group = members[names[place]]!
    // A group that would take most of what is left to learn from stays there.
    guard held.count + group.count <= max(wanted, 1) + wanted / 4 else { continue }
    held += group
    if held.count >= wanted { break }
  }
  return held.isEmpty ? [count - 1] : held.sorted()
}

private func usualCount(of count: Int) -> Int {
  count < 1_000 ? min(max(count / 4, 60), count / 2) : min(max(count / 10, 250), 2_000)
}
