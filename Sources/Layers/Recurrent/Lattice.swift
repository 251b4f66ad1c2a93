/// Which states a recurrence over an image builds on, and in which order its positions can be met.
///
/// Positions are met front by front: those of one see nothing but states of the front before, so all of
/// them are one product with the recurrent matrix. A raster sequence has one position a front, an LSTM
/// over rows a row of them, one over diagonals a diagonal. Nothing is ever skewed or moved: a lattice is
/// indices.
public struct Lattice: Sendable {
  /// Positions of an image, in raster order.
  public let positions: Int
  /// States before a position: U has as many blocks of columns.
  public let reach: Int
  /// Which of them hands on the state of its cell.
  public let carried: Int
  /// The positions, front by front.
  public let order: [UInt32]
  /// Where each front begins in `order`, and at last its end.
  public let firsts: [UInt32]
  /// The place in the front before of each state that a position sees, or −1: `[positions, reach]`, as
  /// `order` has them.
  public let before: [Int32]
  /// The same as positions, in raster order.
  private let predecessors: [Int32]
  /// States that must be kept where positions come one after the other in raster order.
  public let slots: Int

  /// - Parameters:
  ///   - front: that of a position.
  ///   - predecessors: the positions before a position, all in the front before its own; −1 where there is
  ///     none.
  private init(
    positions: Int, reach: Int, carried: Int, slots: Int, front: (Int) -> Int,
    predecessors: (Int) -> [Int]
  ) {
    self.positions = positions
    self.reach = reach
    self.carried = carried
    self.slots = slots
    let fronts = (0..<positions).map(front)
    var members = [[Int]](repeating: [], count: (fronts.max() ?? -1) + 1)
    var places = [Int](repeating: 0, count: positions)
    for position in 0..<positions {
      places[position] = members[fronts[position]].count
      members[fronts[position]].append(position)
    }
    order = members.joined().map(UInt32.init)
    firsts = members.reduce(into: [0]) { $0.append($0.last! + UInt32($1.count)) }
    let all = (0..<positions).map(predecessors)
    self.predecessors = all.joined().map(Int32.init)
    before = order.flatMap { position in
      all[Int(position)].map { $0 < 0 ? -1 : Int32(places[$0]) }
    }
  }

  /// One position after the other.
  public static func sequence(_ length: Int) -> Lattice {
    Lattice(
      positions: length, reach: 1, carried: 0, slots: 2, front: { $0 }, predecessors: { [$0 - 1] })
  }

  /// Row by row: a position sees the three above it, and the cell of the one right above goes on (Row
  /// LSTM).
  public static func rows(height: Int, width: Int) -> Lattice {
    Lattice(
      positions: height * width, reach: 3, carried: 1, slots: 2 * width, front: { $0 / width },
      predecessors: { position in
        (-1...1).map { shift in
          let column = position % width + shift
          return position < width || column < 0 || column >= width ? -1 : position - width + shift
        }
      })
  }

  /// Diagonal by diagonal: a position sees the one beside it, whose cell goes on, and the one above
  /// (Diagonal LSTM).
  /// - Parameter mirrored: whether the one beside it is to its right.
  public static func diagonals(height: Int, width: Int, mirrored: Bool) -> Lattice {
    Lattice(
      positions: height * width, reach: 2, carried: 0, slots: 2 * width,
      front: {
        let column = $0 % width
        return $0 / width + (mirrored ? width - 1 - column : column)
      },
      predecessors: { position in
        let isFirst = position % width == (mirrored ? width - 1 : 0)
        return [
          isFirst ? -1 : position + (mirrored ? 1 : -1), position < width ? -1 : position - width,
        ]
      })
  }

  /// A lattice of nothing, for layers that are only measured.
  static let empty = Lattice(
    positions: 0, reach: 0, carried: 0, slots: 0, front: { $0 }, predecessors: { _ in [] })

  /// The positions before one, −1 where there is none.
  public func predecessors(of position: Int) -> [Int] {
    predecessors[position * reach..<(position + 1) * reach].map(Int.init)
  }

  /// Where the state of a position is kept.
  public func slot(of position: Int) -> Int { position % slots }
}
