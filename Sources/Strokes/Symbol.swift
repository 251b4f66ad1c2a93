/// A character or figure that a hand can write, in each of the forms people give it.
public struct Symbol: Sendable {
  /// What it is called: "7", "K", "spiral".
  public let name: String
  let forms: [Form]

  init(_ name: String, _ forms: Form...) {
    self.name = name
    self.forms = forms
  }
}

/// One way to write a symbol: pen strokes on a grid about 10 wide and 14 high, y downwards.
///
/// A stroke is the points that the pen passes through, in order; `!` after a point is a corner,
/// and the pen runs smoothly through all others:
///
/// ```swift
/// Form("1,0.8 9,0.4! 6,7 4,14")  // a seven: a bar, a corner, a bent stem
/// ```
struct Form: Sendable {
  struct Node: Sendable {
    var at: Point
    let isCorner: Bool
  }

  let strokes: [[Node]]

  init(_ strokes: String...) {
    self.strokes = strokes.map { $0.split(separator: " ").map(Node.init) }
  }
}

extension Form.Node {
  fileprivate init(_ text: Substring) {
    isCorner = text.hasSuffix("!")
    let numbers = text.prefix { $0 != "!" }.split(separator: ",").map { Double($0) }
    guard numbers.count == 2, let x = numbers[0], let y = numbers[1] else {
      preconditionFailure("a stroke's point is written x,y or x,y!, found \(text)")
    }
    at = Point(x, y)
  }
}
