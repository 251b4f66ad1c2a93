import Detection

/// The oddest of many, in bounded memory: of what others have pushed out nothing is kept.
struct Oddest<Value> {
  private let limit: Int
  private var kept: [(place: OddnessPlace, value: Value)] = []
  /// What is no odder than this is not among the oddest.
  private var last: OddnessPlace?

  init(limit: Int) { self.limit = limit }

  /// Adds an image whose value is asked for only where it may be among the oddest.
  /// - Returns: whether it may.
  @discardableResult
  mutating func add(_ place: OddnessPlace, _ value: () throws -> Value) rethrows -> Bool {
    if let last, last < place { return false }
    kept.append((place, try value()))
    if kept.count >= 2 * limit {
      kept = sorted
      last = kept.last?.place
    }
    return true
  }

  var oddestFirst: [(index: Int, value: Value)] { sorted.map { ($0.place.index, $0.value) } }

  private var sorted: [(place: OddnessPlace, value: Value)] {
    Array(kept.sorted { $0.place < $1.place }.prefix(limit))
  }
}
