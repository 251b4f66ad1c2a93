import Tensors

/// The units of a layer of many images: a row an image where there may be a way back, images side by
/// side where there is none (then a weight is read once for many images, and in one order for all).
public enum Units {
  /// `[N, units]`.
  case rows(Variable)
  case sideBySide(SideBySide)
}

extension Context {
  /// A row an image: `[N, units]`.
  public func rows(_ units: Units) -> Variable {
    switch units {
    case .rows(let rows): return rows
    case .sideBySide(let x):
      let rows = Tensor([x.images, x.elements], wide)
      backend.rows(of: x, into: rows)
      return Variable(rows)
    }
  }
}
