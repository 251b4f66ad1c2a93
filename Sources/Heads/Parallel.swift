import Tensors

/// `each` numbers of every one of `count` places, side by side, on all threads.
func inParallel(
  _ count: Int, _ each: Int, _ context: Context, _ body: (_ place: Int) -> [Double]
) -> [Double] {
  // So few that all threads have some, so many that handing them out costs nothing.
  let part = 64
  return withoutActuallyEscaping(body) { body in
    [Double](unsafeUninitializedCapacity: count * each) { buffer, initialized in
      let room = Room(first: buffer.baseAddress, body: body)
      context.backend.concurrently((count + part - 1) / part) { index in
        for place in index * part..<min((index + 1) * part, count) {
          for (k, value) in room.body(place).enumerated() {
            (room.first! + place * each + k).initialize(to: value)
          }
        }
      }
      initialized = count * each
    }
  }
}

/// What threads write, each places of its own, by a body that reads what none of them changes.
private struct Room: @unchecked Sendable {
  let first: UnsafeMutablePointer<Double>?
  let body: (Int) -> [Double]
}
