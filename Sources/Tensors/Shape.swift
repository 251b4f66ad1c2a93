/// The sides of a tensor, outermost first: `[N, H, W, C]`.
public struct Shape: Equatable, Hashable, Sendable, ExpressibleByArrayLiteral,
  CustomStringConvertible
{
  public let sides: [Int]

  public init(_ sides: [Int]) {
    precondition(sides.allSatisfy { $0 >= 0 }, "a side cannot be negative: \(sides)")
    self.sides = sides
  }

  public init(arrayLiteral elements: Int...) {
    self.init(elements)
  }

  /// The number of elements; 1 for the empty shape.
  public var count: Int { sides.reduce(1, *) }
  public var rank: Int { sides.count }
  public subscript(_ axis: Int) -> Int { sides[axis] }
  public var description: String { "\(sides)" }
}
