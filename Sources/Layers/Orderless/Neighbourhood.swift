import Tensors

/// A network of what is known around a sub-pixel, the same at all places of an image (Uria et al. 2016,
/// arXiv:1605.02226, section 3, have orderless convolutions):
///
///     g = V hᴸ + b,   hˡ = max(0, Wˡ hˡ⁻¹ + cˡ)
///
/// where h⁰ is the window around its pixel: m ∘ x and m − k / D of each sub-pixel, with m = 1 where it is
/// known, else 0, and k the number of those that are; 0 beyond the edges. What is asked for is not known, so no
/// window has to leave its centre out.
public struct Neighbourhood {
  let hidden: [Dense]
  let output: Dense
  let window: Window

  /// - Parameters:
  ///   - sizes: units of each hidden layer.
  ///   - outputs: of each sub-pixel.
  ///   - reach: pixels that are seen to each side.
  public init(
    height: Int, width: Int, channels: Int, hidden sizes: [Int], outputs: Int, reach: Int,
    at scope: Scope
  ) {
    window = Window(height: height, width: width, channels: channels, reach: reach)
    let below = [window.elements] + sizes
    hidden = zip(below, sizes).enumerated().map { index, sides in
      Dense(sides.0, sides.1, at: scope / "hidden\(index)")
    }
    output = Dense(sizes.last!, channels * outputs, gain: 0.1, at: scope / "output")
  }

  /// Multiply-adds of a sub-pixel.
  public var multiplyAdds: Int { hidden.reduce(output.weight.count) { $0 + $1.weight.count } }

  /// Outputs of a pixel that are those of one of its sub-pixels.
  private func columns(of subpixel: Int) -> Range<Int> {
    let outputs = output.weight.shape[0] / window.channels
    let first = subpixel % window.channels * outputs
    return first..<first + outputs
  }

  /// Adds g to outputs.
  /// - Parameters:
  ///   - x: `[N, D]`, as far as each of R masks `[N, R, D]` tells it.
  ///   - asked: for which sub-pixels.
  ///   - places: where the first output of each stands.
  public func added(
    to others: Variable, _ x: Variable, masks: Tensor, asked: [Asked], at places: [Int],
    in context: Context
  ) -> Variable {
    var h = context.windows(x, masks: masks, around: asked, window)
    for layer in hidden { h = layer(h, activation: .relu, in: context) }
    return context.sum(
      others, output(h, last: true, in: context), columns: asked.map { columns(of: $0.subpixel) },
      at: places)
  }

  /// g of one sub-pixel of images that the context remembers, after the intensities x `[N]` of others have
  /// become known.
  public func next(
    at subpixel: Int, after latest: [(x: Tensor, subpixel: Int)], in context: Context
  ) -> SideBySide {
    guard let memory = context.memory else { preconditionFailure("the next step of what?") }
    let known = memory.state(of: output.weight) {
      KnownImages(
        .zeros(elements: window.dimension, images: memory.images, context.wide))
    }
    for (x, subpixel) in latest { known.tell(x, of: subpixel) }
    var h = known.window(window, around: subpixel)
    for layer in hidden { h = layer(h, activation: .relu, in: context) }
    return output(h, units: columns(of: subpixel), last: true, in: context)
  }
}

/// A sub-pixel that is asked for, given what a row of masks tells.
public struct Asked {
  public let row: Int
  public let subpixel: Int

  public init(row: Int, subpixel: Int) { (self.row, self.subpixel) = (row, subpixel) }
}

/// The pixels around one, as they stand in a row: first each of their channels, then its mask, line by line.
struct Window {
  let height: Int
  let width: Int
  let channels: Int
  let reach: Int

  var dimension: Int { height * width * channels }
  private var side: Int { 2 * reach + 1 }
  /// Where the masks begin.
  var masks: Int { channels * side * side }
  var elements: Int { 2 * masks }

  /// Every sub-pixel within the edges, and its place in the row.
  @inline(__always)
  func visit(around subpixel: Int, _ body: (_ seen: Int, _ place: Int) -> Void) {
    let (row, column) = (subpixel / channels / width, subpixel / channels % width)
    for y in max(0, row - reach)...min(height - 1, row + reach) {
      for x in max(0, column - reach)...min(width - 1, column + reach) {
        let place = (y - row + reach) * side + x - column + reach
        for channel in 0..<channels {
          body((y * width + x) * channels + channel, channel * side * side + place)
        }
      }
    }
  }

  /// The rows of what is asked for: x as far as masks tell it, and the masks less the share that is known.
  func rows<Element: BinaryFloatingPoint>(
    of asked: [Asked], _ x: Tensor, masks: Tensor, into rows: Tensor, _: Element.Type
  ) {
    rows.clear()
    let each = masks.shape[1]
    x.withBytes { x in
      masks.withBytes { masks in
        rows.withMutableBytes { rows in
          let (x, ones) = (x.bindMemory(to: Element.self), masks.bindMemory(to: Element.self))
          var row = rows.bindMemory(to: Element.self).baseAddress!
          var (latest, common) = (-1, Element(0))
          for asked in asked {
            let (image, mask) = (asked.row / each * dimension, asked.row * dimension)
            if asked.row != latest {
              latest = asked.row
              common = ones[mask..<mask + dimension].reduce(0, +) / Element(dimension)
            }
            visit(around: asked.subpixel) { seen, place in
              let one = ones[mask + seen]
              row[place] = one * x[image + seen]
              row[place + self.masks] = one - common
            }
            row += elements
          }
        }
      }
    }
  }
}

extension Context {
  /// The windows around what is asked for, `[asked, elements]`, of x `[N, D]` as far as each of R masks
  /// `[N, R, D]` tells it.
  func windows(_ x: Variable, masks: Tensor, around asked: [Asked], _ window: Window) -> Variable {
    precondition(
      masks.shape[0] == x.shape[0] && masks.shape[2] == window.dimension
        && masks.precision == x.value.precision, "masks \(masks.shape) of \(x.shape)")
    let y = Tensor([asked.count, window.elements], x.value.precision)
    switch y.precision {
    case .float64: window.rows(of: asked, x.value, masks: masks, into: y, Double.self)
    default: window.rows(of: asked, x.value, masks: masks, into: y, Float.self)
    }
    return record(y, from: [x]) { dy, gradients in
      let (dy, ones, each) = (dy.values, masks.values, masks.shape[1])
      var dx = [Double](repeating: 0, count: x.shape.count)
      for (row, asked) in asked.enumerated() {
        let (image, mask) = (asked.row / each * window.dimension, asked.row * window.dimension)
        window.visit(around: asked.subpixel) { seen, place in
          if ones[mask + seen] != 0 { dx[image + seen] += dy[row * window.elements + place] }
        }
      }
      gradients.add(Tensor(x.shape, x.value.precision, values: dx), to: x.slot)
    }
  }

  /// y with some columns of each row of x `[rows, …]` added, from a place on.
  func sum(_ y: Variable, _ x: Variable, columns: [Range<Int>], at places: [Int]) -> Variable {
    let sum = Tensor(y.shape, y.value.precision)
    sum.copy(from: y.value)
    let dx = Tensor.zeros(x.shape, x.value.precision)
    switch sum.precision {
    case .float64: visit(sum, x.value, columns, places, Double.self) { $0 += $1 }
    default: visit(sum, x.value, columns, places, Float.self) { $0 += $1 }
    }
    return record(sum, from: [y, x]) { [self] dy, gradients in
      // A categorical head sends its gradient in the precision of products.
      let all = converted(dy, to: dx.precision)
      switch all.precision {
      case .float64: visit(all, dx, columns, places, Double.self) { $1 = $0 }
      default: visit(all, dx, columns, places, Float.self) { $1 = $0 }
      }
      gradients.add(dx, to: x.slot)
      gradients.add(dy, to: y.slot)
    }
  }

  private func visit<Element: BinaryFloatingPoint>(
    _ whole: Tensor, _ rows: Tensor, _ columns: [Range<Int>], _ places: [Int], _: Element.Type,
    _ body: (inout Element, inout Element) -> Void
  ) {
    precondition(whole.precision == rows.precision && columns.count == places.count)
    let width = rows.shape[1]
    whole.withMutableBytes { whole in
      rows.withMutableBytes { rows in
        let (whole, rows) = (
          whole.bindMemory(to: Element.self), rows.bindMemory(to: Element.self)
        )
        for (row, place) in places.enumerated() {
          for (output, column) in columns[row].enumerated() {
            body(&whole[place + output], &rows[row * width + column])
          }
        }
      }
    }
  }
}

/// What is known so far of some images, side by side.
private final class KnownImages: LayerState {
  private let values: SideBySide
  private var isKnown: [Bool]
  private var count = 0

  init(_ values: SideBySide) {
    self.values = values
    isKnown = Array(repeating: false, count: values.elements)
  }

  func copy(of images: [Int]) -> KnownImages {
    let copy = KnownImages(values.copy(of: images))
    (copy.isKnown, copy.count) = (isKnown, count)
    return copy
  }

  /// x `[N]` becomes known.
  func tell(_ x: Tensor, of subpixel: Int) {
    let bytes = values.precision.byteCount
    (values.values.pointer + subpixel * values.lanes * bytes).copyMemory(
      from: x.pointer, byteCount: values.images * bytes)
    isKnown[subpixel] = true
    count += 1
  }

  func window(_ window: Window, around subpixel: Int) -> SideBySide {
    switch values.precision {
    case .float64: self.window(window, around: subpixel, Double.self)
    default: self.window(window, around: subpixel, Float.self)
    }
  }

  private func window<Element: BinaryFloatingPoint>(
    _ window: Window, around subpixel: Int, _: Element.Type
  ) -> SideBySide {
    let lanes = values.lanes
    let result = SideBySide.zeros(
      elements: window.elements, images: values.images, values.precision)
    let common = Element(count) / Element(window.dimension)
    result.values.withMutableBytes { result in
      values.values.withBytes { values in
        let result = result.bindMemory(to: Element.self)
        let values = values.bindMemory(to: Element.self)
        window.visit(around: subpixel) { seen, place in
          if isKnown[seen] {
            for n in 0..<lanes { result[place * lanes + n] = values[seen * lanes + n] }
          }
          let (mask, one) = ((place + window.masks) * lanes, Element(isKnown[seen] ? 1 : 0))
          for n in 0..<lanes { result[mask + n] = one - common }
        }
      }
    }
    return result
  }
}
