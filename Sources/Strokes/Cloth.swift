import Randomness

/// A twill of two threads over two: how bright it is at a place, 0 … 255.
///
/// No two cloths are alike: each thread has a shade and lies a little beside its place.
struct Cloth {
  /// Pixels from one thread to the next.
  static let pitch = 9.0

  private struct Thread {
    let shade: Double
    let shift: Double
  }

  /// Threads that run down, from the left, and threads that run across, from the top.
  private let warp: [Thread]
  private let weft: [Thread]

  init(side: Double, using stream: inout RandomStream) {
    let count = Int(side / Self.pitch) + 2
    func threads() -> [Thread] {
      (0..<count).map { _ in
        let shade = stream.bell(mean: 0, deviation: 4)
        return Thread(shade: shade, shift: stream.bell(mean: 0, deviation: 0.05))
      }
    }
    warp = threads()
    weft = threads()
  }

  /// Where a thread that runs across is missing, it leaves a dark gap with the warp below.
  struct Gap {
    let row: Int
    let columns: ClosedRange<Double>

    /// The place of the thread's middle, pixels of the cloth.
    var y: Double { (Double(row) + 0.5) * Cloth.pitch }
  }

  func shade(at place: Point, gap: Gap?) -> Double {
    let u = max(place.x, 0) / Self.pitch
    let v = max(place.y, 0) / Self.pitch
    let column = min(Int(u), warp.count - 1)
    let row = min(Int(v), weft.count - 1)
    let (across, down) = (
      u - Double(column) + warp[column].shift, v - Double(row) + weft[row].shift
    )
    if let gap, gap.row == row, gap.columns.contains(place.x) {
      return 24 + 0.3 * (110 + warp[column].shade) * bulge(across)
    }
    // Of four crossings the warp lies above at two, then the weft.
    let phase = (column + row) % 4
    if phase < 2 {
      let along = (Double(phase) + v - Double(row)) / 2
      return 96 + warp[column].shade + 34 * bulge(across) + 22 * bulge(along)
    }
    let along = (Double(phase - 2) + u - Double(column)) / 2
    return 62 + weft[row].shade + 30 * bulge(down) + 18 * bulge(along)
  }

  /// The round of a thread: 0 at either side, 1 in the middle.
  private func bulge(_ t: Double) -> Double { max(0, 4 * t * (1 - t)) }
}
