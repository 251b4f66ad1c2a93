/// The sides of a tensor, outermost first: `[N, H, W, C]`; at most six.
///
/// They are kept in place: shapes are made several times a sub-pixel while sampling.
public struct Shape: Equatable, Hashable, Sendable, ExpressibleByArrayLiteral,
  CustomStringConvertible
{
  private var first: SIMD4<Int> = .one
  private var last: SIMD2<Int> = .one
  public private(set) var rank = 0

  public init(_ sides: some Sequence<Int>) {
    for side in sides { append(side) }
  }

  public init(arrayLiteral elements: Int...) {
    for side in elements { append(side) }
  }

  /// An image's worth of rows: `[N]`.
  public init(_ side: Int) { append(side) }

  /// `[N, K]`
  public init(_ n: Int, _ k: Int) {
    append(n)
    append(k)
  }

  private mutating func append(_ side: Int) {
    precondition(side >= 0, "a side cannot be negative: \(side)")
    precondition(rank < 6, "a shape has at most six sides")
    if rank < 4 { first[rank] = side } else { last[rank - 4] = side }
    rank += 1
  }

  /// The number of elements; 1 for the empty shape.
  public var count: Int {
    first[0] * first[1] * first[2] * first[3] * last[0] * last[1]
  }

  public subscript(_ axis: Int) -> Int {
    precondition(axis >= 0 && axis < rank, "\(self) has no side \(axis)")
    return axis < 4 ? first[axis] : last[axis - 4]
  }

  public var sides: [Int] { (0..<rank).map { self[$0] } }

  /// The same with another outermost side.
  public func withOutermost(_ side: Int) -> Shape {
    var shape = self
    shape.first[0] = side
    return shape
  }

  public var description: String { "\(sides)" }
}
