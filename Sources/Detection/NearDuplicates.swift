import Gaussians
import Images

extension DataSet {
  /// Groups of images that are much the same: another exposure, another frame of a burst, a copy with
  /// noise. Where one of them is trained on, the others are no held-out images.
  ///
  /// Each image becomes a thumbnail of 16×16 grey values, less their mean, of length one. Two images are
  /// near-duplicates where these are less than a fifth of the median distance of tenth neighbours apart,
  /// or less than 0.02. Where more than a quarter of all were one group, they are of one thing, as a weave or
  /// a board is, and only exact copies count. (The nearest neighbours may all be near-duplicates, in bursts of up to ten.) Time and memory grow with the square of the number of images; above
  /// `mostCompared` only exact copies are found.
  /// - Returns: of each image the number of its group, from 0 in order of first images.
  public func nearDuplicateGroups() -> [Int] {
    var groups = Groups(count: count)
    groups.join(fingerprints)
    guard count > 1, count <= Self.mostCompared else { return groups.numbers }
    let thumbnails = thumbnails(of: 0..<count)
    let copies = groups
    Neighbours(rows: thumbnails, others: thumbnails, ofOneSet: true)
      .visitNear { groups.join($0, $1) }
    let numbers = groups.numbers
    let largest = Dictionary(grouping: numbers, by: { $0 }).values.reduce(0) { max($0, $1.count) }
    return largest > max(12, count / 4) ? copies.numbers : numbers
  }

  /// The most images that are compared each with each.
  public static let mostCompared = 20_000

  /// Which images of this set are near-duplicates of images of another of the same size.
  func nearDuplicates(of others: DataSet) -> [Int] {
    guard count > 0, others.count > 0 else { return [] }
    var near: Set<Int> = []
    Neighbours(
      rows: others.thumbnails(of: 0..<others.count), others: thumbnails(of: 0..<count),
      ofOneSet: false
    ).visitNear { near.insert($1) }
    return near.sorted()
  }

  /// Of some images, the share whose nearest one of the others is at most five places away in the order of
  /// all, and the share that chance would have.
  package func shareInSeries(
    _ some: [Int], among others: [Int]
  ) -> (share: Double, byChance: Double)? {
    // A few hundred tell.
    let chosen = some.enumerated().filter { $0.offset % (some.count / 400 + 1) == 0 }.map(\.element)
    guard !chosen.isEmpty, others.count > 20 else { return nil }
    let nearest = Neighbours(
      rows: thumbnails(of: chosen), others: thumbnails(of: others), ofOneSet: false
    ).nearest
    let reach = 5
    let close = zip(chosen, nearest).count { abs($0 - others[$1]) <= reach }
    return (
      Double(close) / Double(chosen.count), min(1, Double(2 * reach) / Double(others.count))
    )
  }

  /// Thumbnails of some images: `[images, 256]`.
  private func thumbnails(of indices: some RandomAccessCollection<Int>) -> Rows {
    let indices = Array(indices)
    let side = 16
    var values = [Double](repeating: 0, count: indices.count * side * side)
    values.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let buffer = buffer  // each image writes its own part
      onEveryThread(indices.count) { place in
        let small = image(at: indices[place]).converted(toChannels: 1)
          .resized(height: side, width: side).pixels.map(Double.init)
        let mean = small.reduce(0, +) / Double(small.count)
        let norm = small.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }.squareRoot()
        for (index, value) in small.enumerated() {
          buffer[place * small.count + index] = (value - mean) / (norm + 0.064)
        }
      }
    }
    return Rows(count: indices.count, columns: side * side, values: values)
  }
}

/// Which rows lie near which.
private struct Neighbours {
  let rows: Rows
  let others: Rows
  /// Whether both are the same rows: none is then its own neighbour.
  let ofOneSet: Bool

  /// Calls `body` for each pair of near-duplicates.
  func visitNear(_ body: (_ row: Int, _ other: Int) -> Void) {
    // Of each row the squares of its nearest neighbours, ascending.
    let depth = min(10, others.count - (ofOneSet ? 1 : 0))
    guard depth > 0 else { return }
    var nearest = [Double](repeating: .infinity, count: rows.count * depth)
    nearest.withUnsafeMutableBufferPointer { nearest in
      visitSquares(of: Array(0..<rows.count)) { row, _, square in
        var place = (row + 1) * depth - 1
        guard square < nearest[place] else { return }
        while place > row * depth, square < nearest[place - 1] {
          nearest[place] = nearest[place - 1]
          place -= 1
        }
        nearest[place] = square
      }
    }
    let far = (0..<rows.count).map { nearest[($0 + 1) * depth - 1] }.sorted()
    let bound = max(0.2 * far[rows.count / 2].squareRoot(), 0.02)
    let near = (0..<rows.count).filter { nearest[$0 * depth] < bound * bound }
    visitSquares(of: near) { row, other, square in
      if square < bound * bound { body(row, other) }
    }
  }

  /// Of each row the nearest of the others.
  var nearest: [Int] {
    var found = [(square: Double, other: Int)](repeating: (.infinity, 0), count: rows.count)
    visitSquares(of: Array(0..<rows.count)) { row, other, square in
      if square < found[row].square { found[row] = (square, other) }
    }
    return found.map(\.other)
  }

  /// Calls `body` with the squared distance of each of some rows from each other row.
  private func visitSquares(
    of chosen: [Int], _ body: (_ row: Int, _ other: Int, _ square: Double) -> Void
  ) {
    let squares = others.squares
    let part = 512
    for first in stride(from: 0, to: chosen.count, by: part) {
      let indices = chosen[first..<min(first + part, chosen.count)]
      let some = Rows(
        count: indices.count, columns: rows.columns,
        values: indices.flatMap { rows.values[$0 * rows.columns..<($0 + 1) * rows.columns] })
      let own = some.squares
      let products = some.products(with: others)
      products.values.withUnsafeBufferPointer { products in
        for (place, row) in indices.enumerated() {
          for other in 0..<others.count where !(ofOneSet && other == row) {
            let product = products[place * others.count + other]
            body(row, other, max(0, own[place] + squares[other] - 2 * product))
          }
        }
      }
    }
  }
}

extension Rows {
  /// The squared length of each row.
  fileprivate var squares: [Double] {
    (0..<count).map { row in
      values[row * columns..<(row + 1) * columns].reduce(0) { $0 + $1 * $1 }
    }
  }
}

/// Groups that grow as members turn out to belong together.
struct Groups {
  private var parents: [Int]

  init(count: Int) { parents = Array(0..<count) }

  mutating func join(_ a: Int, _ b: Int) {
    let (first, second) = (root(of: a), root(of: b))
    parents[max(first, second)] = min(first, second)
  }

  /// Joins all with the same key.
  mutating func join(_ keys: [some Hashable]) {
    var firsts: [AnyHashable: Int] = [:]
    for (index, key) in keys.enumerated() {
      if let first = firsts[key] { join(first, index) } else { firsts[key] = index }
    }
  }

  private mutating func root(of index: Int) -> Int {
    var index = index
    while parents[index] != index {
      parents[index] = parents[parents[index]]
      index = parents[index]
    }
    return index
  }

  /// Of each member the number of its group, from 0 in order of first members.
  var numbers: [Int] {
    var copy = self
    var numbers: [Int: Int] = [:]
    return parents.indices.map { index in
      let root = copy.root(of: index)
      let number = numbers[root] ?? numbers.count
      numbers[root] = number
      return number
    }
  }
}
