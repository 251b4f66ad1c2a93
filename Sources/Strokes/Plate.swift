import Images
import Randomness

/// A part that was never made: a plate of woven cloth with four riveted holes and a printed mark, as a
/// camera sees it, 256 × 256 grey.
///
/// ```swift
/// for plate in Plate.collection {
///   print(plate.path, plate.photograph(seed: 1).outline.map { "\($0)" } ?? "good")
/// }
/// ```
///
/// Plates differ in their threads, in where they lie (some pixels, a degree or two) and in the light.
public struct Plate: Sendable {
  public static let side = 256

  /// The file, relative to the collection's folder.
  public let path: String
  public let fault: Fault?

  public init(path: String, fault: Fault?) {
    self.path = path
    self.fault = fault
  }

  /// What a camera saw.
  public struct Photograph {
    public let image: Image
    /// Where the fault lies, pixels of the image; nil where there is none.
    public let outline: Outline?
  }

  /// The least box around a fault, its corners included.
  public struct Outline: Equatable, Sendable, CustomStringConvertible {
    public let left, top, right, bottom: Int

    /// `x1 y1 x2 y2`
    public var description: String { "\(left) \(top) \(right) \(bottom)" }
  }

  /// All chance in it comes from `seed` and `path`.
  public func photograph(seed: UInt64) -> Photograph {
    var stream = RandomStream(seed: seed, path)
    let cloth = Cloth(side: Double(Self.side), using: &stream)
    let pose = Pose(using: &stream)
    let light = Light(using: &stream)
    // Chance of its own, so that a fault changes nothing else of the plate.
    var faultStream = RandomStream(seed: seed, "fault/\(path)")
    let damage = fault?.happen(using: &faultStream)
    let rivets = Self.holes.enumerated().filter { $0.offset != damage?.missingHole }.map(\.element)

    var pixels: [UInt8] = []
    pixels.reserveCapacity(Self.side * Self.side)
    for row in 0..<Self.side {
      for column in 0..<Self.side {
        let pixel = Point(Double(column) + 0.5, Double(row) + 0.5)
        let place = pose.place(of: pixel)
        var shade = 28.0
        let inside = Self.cover(place)
        if inside > 0 {
          var plate = cloth.shade(at: place, gap: damage?.gap)
          plate += Self.ink(place) * (0.62 * (228 - plate))
          plate = damage?.shade(plate, at: place) ?? plate
          for hole in rivets { plate = Self.rivet(plate, place - hole) }
          shade += inside * (plate - shade)
        }
        let seen = light.brightness(pixel) * shade + stream.bell(mean: 0, deviation: 1.5)
        // Steps of four: the files of what a camera adds by chance would be large.
        pixels.append(UInt8(min(max((seen / 4).rounded() * 4, 0), 252)))
      }
    }
    return Photograph(
      image: Image(height: Self.side, width: Self.side, channels: 1, pixels: pixels),
      outline: damage.map { pose.outline(of: $0.extent) })
  }

  // MARK: What all plates have

  static let low = 22.0
  static let high = 234.0
  static let holes = [Point(48, 48), Point(208, 48), Point(48, 208), Point(208, 208)]
  static let rivetRadius = 13.0

  /// How much of a pixel is the plate, 0 … 1: a square with round corners.
  private static func cover(_ place: Point) -> Double {
    let round = 14.0
    let half = (high - low) / 2 - round
    let middle = (high + low) / 2
    let x = max(0, max(place.x - middle, middle - place.x) - half)
    let y = max(0, max(place.y - middle, middle - place.y) - half)
    return min(max(round - Point(x, y).length + 0.5, 0), 1)
  }

  /// A hole with a bright rim, lit from the upper left.
  private static func rivet(_ shade: Double, _ place: Point) -> Double {
    let distance = place.length
    guard distance < rivetRadius + 1 else { return shade }
    let rim = min(max(rivetRadius - distance + 0.5, 0), 1)
    let hole = min(max(8 - distance + 0.5, 0), 1)
    let facing = -(place.x + place.y) / max(distance, 1) * 0.707
    // The rim is round: its inner side faces the other way.
    let slope = (distance - 10.5) / 2.5
    let metal = 158 + 62 * facing * slope
    let outer = shade + rim * (metal - shade)
    return outer + hole * (16 - outer)
  }

  /// The mark in the middle: a letter and a digit, the same on all plates.
  private static let mark: [(from: Point, to: Point)] = {
    let written: [(Symbol, Point)] = [
      (Symbol.letters[0], Point(88, 101)), (Symbol.digits[4], Point(135, 101)),
    ]
    return written.flatMap { symbol, at in
      symbol.forms[0].strokes.flatMap { stroke in
        let line = curve(through: stroke).map { at + 3.8 * $0 }
        return zip(line, line.dropFirst()).map { ($0, $1) }
      }
    }
  }()

  private static func ink(_ place: Point) -> Double {
    guard (80...185).contains(place.x), (90...165).contains(place.y) else { return 0 }
    var nearest = 100.0
    for line in mark { nearest = min(nearest, distance(from: place, to: line.from, line.to)) }
    return min(max(3.4 - nearest + 0.5, 0), 1)
  }

  /// How the plate lies: turned and moved.
  private struct Pose {
    let sine, cosine: Double
    let shift: Point
    static let middle = Point(128, 128)

    init(using stream: inout RandomStream) {
      // The tangent of half the angle makes sine and cosine plain fractions.
      let t = stream.bell(mean: 0, deviation: 0.007)
      (cosine, sine) = ((1 - t * t) / (1 + t * t), 2 * t / (1 + t * t))
      let x = stream.bell(mean: 0, deviation: 1.6)
      shift = Point(x, stream.bell(mean: 0, deviation: 1.6))
    }

    /// The place on the plate that a pixel shows.
    func place(of pixel: Point) -> Point {
      let moved = pixel - Self.middle - shift
      return Point(cosine * moved.x + sine * moved.y, cosine * moved.y - sine * moved.x)
        + Self.middle
    }

    /// The box in the image around a box on the plate.
    func outline(of extent: (low: Point, high: Point)) -> Outline {
      let corners = [
        extent.low, extent.high, Point(extent.low.x, extent.high.y),
        Point(extent.high.x, extent.low.y),
      ].map { corner in
        let turned = corner - Self.middle
        return Point(cosine * turned.x - sine * turned.y, cosine * turned.y + sine * turned.x)
          + Self.middle + shift
      }
      func pixel(_ value: Double) -> Int { min(max(Int(value), 0), side - 1) }
      return Outline(
        left: pixel(corners.map(\.x).min()!), top: pixel(corners.map(\.y).min()!),
        right: pixel(corners.map(\.x).max()!), bottom: pixel(corners.map(\.y).max()!))
    }
  }

  /// A lamp that is never quite the same.
  private struct Light {
    let gain: Double
    let slope: Point

    init(using stream: inout RandomStream) {
      gain = stream.bell(mean: 1, deviation: 0.03)
      let x = stream.bell(mean: 0.04, deviation: 0.03)
      slope = Point(x, stream.bell(mean: -0.04, deviation: 0.03))
    }

    func brightness(_ pixel: Point) -> Double {
      let from = (pixel - Pose.middle) / 128
      return gain * (1 + slope.x * from.x + slope.y * from.y)
    }
  }
}

extension Plate {
  /// The whole collection: good plates to learn from, others to be let through, and such with a fault.
  public static let collection: [Plate] =
    folder("train", count: 120) { _ in nil } + folder("mixed/good", count: 30) { _ in nil }
    + folder("mixed/defect", count: 30) { Fault.allCases[$0 % Fault.allCases.count] }

  private static func folder(
    _ name: String, count: Int, _ fault: (Int) -> Fault?
  ) -> [Plate] {
    (0..<count).map { index in
      let number = String(String(1000 + index).dropFirst())
      let kind = fault(index)
      return Plate(
        path: "\(name)/\(number)\(kind.map { "-\($0.rawValue)" } ?? "").png", fault: kind)
    }
  }
}

/// From a point to the nearest of a line's.
func distance(from point: Point, to a: Point, _ b: Point) -> Double {
  let along = b - a
  let squared = max((along * along).sum(), 1e-12)
  let t = min(max(((point - a) * along).sum() / squared, 0), 1)
  return (point - (a + t * along)).length
}
