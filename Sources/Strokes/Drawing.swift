import Images
import Randomness

/// One image of the collection: what it shows and where it is filed.
///
/// ```swift
/// for drawing in Drawing.collection {
///   print(drawing.path, drawing.image(seed: 1).pixels.count)  // digits/0/0000.png 784 …
/// }
/// ```
public struct Drawing: Sendable {
  /// The file, relative to the collection's folder.
  public let path: String
  public let symbol: Symbol
  /// What happened to the page after the symbol was written.
  public let damage: Damage?

  /// The drawing, 28 × 28 grey, white ink on black.
  ///
  /// All chance in it comes from `seed` and `path`, so that no image depends on another.
  public func image(seed: UInt64) -> Image {
    var stream = RandomStream(seed: seed, path)
    let hand = Hand(seed: seed, number: stream.integer(below: Hand.count))
    let traces = Page.centred(hand.write(symbol, using: &stream))
    var page = Page(traces)
    damage?.apply(to: &page, wrote: traces, using: &stream)
    return page.image
  }
}

extension Drawing {
  /// The whole collection: digits to train on, more of them held out for calibration, and a mixed
  /// folder of digits and outsiders.
  public static let collection: [Drawing] =
    Symbol.digits.flatMap { digit in
      folder("digits/\(digit.name)", count: 240) { _ in (digit, nil) }
        + folder("held-out/\(digit.name)", count: 50) { _ in (digit, nil) }
    }
    + folder("mixed/normal", count: 400) { (Symbol.digits[$0 % 10], nil) }
    + folder("mixed/letters", count: 100) { (Symbol.letters[$0 % Symbol.letters.count], nil) }
    + folder("mixed/doodles", count: 100) { (Symbol.doodles[$0 % Symbol.doodles.count], nil) }
    + folder("mixed/defects", count: 100) {
      (Symbol.digits[$0 / 4 % 10], Damage.allCases[$0 % Damage.allCases.count])
    }

  private static func folder(
    _ name: String, count: Int, _ content: (Int) -> (Symbol, Damage?)
  ) -> [Drawing] {
    (0..<count).map { index in
      let (symbol, damage) = content(index)
      let digits = String(index)
      let number = String(repeating: "0", count: 4 - digits.count) + digits
      return Drawing(path: "\(name)/\(number).png", symbol: symbol, damage: damage)
    }
  }
}
