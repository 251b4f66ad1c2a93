import Gaussians
import Images

extension DataSet {
  /// Groups of images that are much the same: another exposure, another frame of a burst, a copy with
  /// noise. Where one of them is trained on, the others are no held-out images.
  ///
  /// Each image becomes a thumbnail of 16×16 grey values, less their mean, of length one. Two images are
  /// near-duplicates where these are less than a fifth of the median distance of tenth neighbours apart,
  /// or less than 0.02. (The nearest neighbours may all be near-duplicates, in bursts of up to ten.) Where
  /// more than a quarter of all were one group, they are of one thing, as a weave or a board is, and only
  /// exact copies count. Time grows with the square of the number of images; above `mostCompared` only
  /// exact copies are found.
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

  private func thumbnails(of indices: some RandomAccessCollection<Int>) -> Thumbnails {
    let indices = Array(indices)
    let side = Thumbnails.side
    var values = [Float](repeating: 0, count: indices.count * side * side)
    values.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let buffer = buffer  // each image writes its own part
      onEveryThread(indices.count) { place in
        let small = image(at: indices[place]).converted(toChannels: 1)
          .resized(height: side, width: side).pixels.map(Double.init)
        let mean = small.reduce(0, +) / Double(small.count)
        let norm = small.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }.squareRoot()
        for (index, value) in small.enumerated() {
          buffer[place * small.count + index] = Float((value - mean) / (norm + 0.064))
        }
      }
    }
    return Thumbnails(values: values)
  }
}

/// Small grey images as rows of numbers, less their mean, of length one or a little less. Single precision
/// tells distances of 0.02 to a thousandth.
private struct Thumbnails {
  static let side = 16
  static let length = side * side
  let values: [Float]
  /// The squared length of each.
  let squares: [Float]

  init(values: [Float]) {
    self.values = values
    squares = stride(from: 0, to: values.count, by: Self.length).map { first in
      values[first..<first + Self.length].reduce(0) { $0 + $1 * $1 }
    }
  }

  var count: Int { squares.count }

  func chosen(_ indices: [Int]) -> Thumbnails {
    Thumbnails(values: indices.flatMap { self[$0..<$0 + 1] })
  }

  subscript(range: Range<Int>) -> ArraySlice<Float> {
    values[range.lowerBound * Self.length..<range.upperBound * Self.length]
  }
}

/// Which thumbnails lie near which.
private struct Neighbours {
  let rows: Thumbnails
  let others: Thumbnails
  /// Whether both are the same: none is then its own neighbour, and each pair is computed once.
  let ofOneSet: Bool

  /// Calls `body` for each pair of near-duplicates.
  func visitNear(_ body: (_ row: Int, _ other: Int) -> Void) {
    // Of each row the squares of its nearest neighbours, ascending.
    let depth = min(10, others.count - (ofOneSet ? 1 : 0))
    guard depth > 0 else { return }
    var nearest = [Float](repeating: .infinity, count: rows.count * depth)
    nearest.withUnsafeMutableBufferPointer { nearest in
      visitSquares { row, other, square in
        insert(square, of: row, depth)
        if ofOneSet { insert(square, of: other, depth) }
      }
      func insert(_ square: Float, of row: Int, _ depth: Int) {
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
    let some = rows.chosen(near)
    Neighbours(rows: some, others: ofOneSet ? some : others, ofOneSet: ofOneSet)
      .visitSquares { row, other, square in
        if square < bound * bound { body(near[row], ofOneSet ? near[other] : other) }
      }
  }

  /// Of each row the nearest of the others.
  var nearest: [Int] {
    var found = [(square: Float, other: Int)](repeating: (.infinity, 0), count: rows.count)
    visitSquares { row, other, square in
      if square < found[row].square { found[row] = (square, other) }
    }
    return found.map(\.other)
  }

  /// Calls `body` with the squared distance of each row from each of the others; of one set, with that of
  /// each pair once, the earlier first.
  private func visitSquares(_ body: (_ row: Int, _ other: Int, _ square: Float) -> Void) {
    let part = 512
    for first in stride(from: 0, to: rows.count, by: part) {
      let some = first..<min(first + part, rows.count)
      let against = (ofOneSet ? first : 0)..<others.count
      let products = rowProducts(rows[some], others[against], columns: Thumbnails.length)
      products.withUnsafeBufferPointer { products in
        for row in some {
          let place = (row - first) * against.count - against.lowerBound
          for other in (ofOneSet ? row + 1 : 0)..<others.count {
            body(
              row, other,
              max(0, rows.squares[row] + others.squares[other] - 2 * products[place + other]))
          }
        }
      }
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
