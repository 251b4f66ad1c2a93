/// One of several parts of a list, for as many processes or machines: neighbours in it, the parts being
/// of one length or one apart.
///
/// ```swift
/// Shard(2, of: 3).range(of: 10)  // 3..<6
/// ```
public struct Shard: Codable, Equatable, Sendable {
  /// 1 … count.
  public let index: Int
  public let count: Int

  public init(_ index: Int, of count: Int) {
    precondition((1...max(1, count)).contains(index), "shard \(index) of \(count) is none")
    self.index = index
    self.count = count
  }

  /// Where it lies in a list of `total`. The ranges of all shards, one after the other, are the list.
  public func range(of total: Int) -> Range<Int> {
    (index - 1) * total / count..<index * total / count
  }
}

extension Shard: CustomStringConvertible {
  public var description: String { "\(index)/\(count)" }
}
