import Heads
import Images
import Layers
import Tensors

/// PixelCNN++ (Salimans et al. 2017, arXiv:1701.05517, section 2.3 to 2.5 and figure 2): two streams at
/// several levels, each of half the sides of the one above it. U knows the rows above, H also what is
/// left of it in its own row. A unit is
///
///     U += gate(2×3 ReLU(2×3 ReLU U  [+ 1×1 ReLU U']))
///     H += gate(1×2 ReLU(1×2 ReLU H  +  1×1 ReLU U  [+ 1×1 ReLU H']))      gate(t, s) = tanh(t) σ(s)
///
/// A level has `units` of them on the way down, its coarser level (2×3 U, 1×2 H, every second pixel;
/// back by 1×1 → 4h, a quarter for each of four pixels), and as many on the way up, to which the
/// streams U', H' of the way down come by short cuts. First come n×n of the rows above and 1×n mask A of
/// the own row; at the end `PixelColours`.
///
/// Where we depart from the paper: H sees its own row alone and what is above through U; gates have a
/// tanh and activations are ReLU, not concatenated ELU; a level has as many units down as up; and of
/// the channels of a pixel only the last layers know, where the head does not draw whole pixels. With a
/// palette the logit of each level also hears which levels the image has had; see `Palette`.
public struct PixelCNNPlus: DensityModel {
  struct Unit {
    let inner: VerticalConvolution
    let classes: ClassBias?
    let shortcut: VerticalConvolution?
    let outer: VerticalConvolution
    let gate: Gate
    let link: VerticalConvolution
    let ownClasses: ClassBias?
    let ownInner: CausalConvolution
    let ownShortcut: CausalConvolution?
    let ownOuter: CausalConvolution
    let ownGate: Gate
  }
  struct Level {
    let down: [Unit]
    let coarser: Coarser?
    let up: [Unit]
  }
  struct Coarser {
    let halving: Halving
    let rowsDown: VerticalConvolution
    let ownDown: CausalConvolution
    let rowsUp: VerticalConvolution
    let ownUp: CausalConvolution
  }
  /// Both streams: `[N, H, W, h]` each.
  private struct Streams {
    var rows: Variable
    var own: Variable
  }

  public let image: ImageShape
  public let head: Head
  let rowsAbove: ImageConvolution
  let ownRow: ImageConvolution
  let levels: [Level]
  let end: PixelColours
  let palette: Palette?
  public var outputBias: Parameter? { end.output.bias }

  static let levelCount = Setting("levels", .count, default: "3", "levels, each of half the sides")
  static let units = Setting("units", .count, default: "2", "units of a level, down and up each")
  static let channels = Setting("channels", .count, default: "32", "h: channels of a stream")
  static let dropout = Setting(
    "dropout", .fraction, default: "0.05", "share of the gates' outputs dropped in training")
  static let palette = Setting(
    "palette", .toggle, default: "off",
    "whether each level is also told by the levels that the image has had; with a categorical head")

  static let family = ModelFamily(
    name: "pixelcnn++", summary: "two gated streams at several scales, with short cuts",
    settings: [levelCount, units, channels, dropout, palette],
    batch: 16, learningRate: 1.5e-3, prefersBFloat16: true, optimiser: .muon,
    make: { specification, _, scope in
      let (h, colours) = (try specification.count(channels), specification.image.channels)
      guard h >= colours else {
        throw ModelError.setting(
          "channels", of: "pixelcnn++",
          expected: "at least \(colours) (one a colour)", found: "\(h)")
      }
      let levels = try specification.count(levelCount)
      guard levels <= 8 else {
        throw ModelError.setting(
          "levels", of: "pixelcnn++",
          expected: "1 ... 8", found: "\(levels)")
      }
      let (palette, head) = (try specification.isOn(palette), specification.head)
      guard !palette || head.kind == .categorical else {
        throw ModelError.setting(
          "palette", of: "pixelcnn++",
          expected: "off, with a \(head.kind) head", found: "on")
      }
      return PixelCNNPlus(
        specification.image, head, levels: levels, units: try specification.count(units),
        channels: h, dropout: try specification.fraction(dropout),
        palette: palette
          ? Palette(levels: head.levels, channels: specification.image.channels, at: scope) : nil,
        at: scope)
    })

  init(
    _ image: ImageShape, _ head: Head, levels count: Int, units: Int, channels h: Int,
    dropout: Double, palette: Palette?, at scope: Scope
  ) {
    self.image = image
    self.head = head
    self.palette = palette
    func firstLayer(_ stack: ImageConvolution.Stack, _ name: String) -> ImageConvolution {
      ImageConvolution(
        channels: image.channels, h, size: 7, stack: stack, colours: 1,
        planes: scope.coordinates(image, 2), at: scope / name)
    }
    rowsAbove = firstLayer(.vertical, "above")
    ownRow = firstLayer(.horizontal, "own")
    // Small at first, so that a stream's variance does not grow with depth.
    let share = 1 / Double(2 * count * units).squareRoot()
    func unit(shortcut: Bool, _ scope: Scope) -> Unit {
      func vertical(_ outputs: Int, size: Int, gain: Double = 1, _ name: String)
        -> VerticalConvolution
      {
        VerticalConvolution(h, outputs, size: size, gain: gain, at: scope / name)
      }
      func own(_ outputs: Int, size: Int, gain: Double = 1, _ name: String) -> CausalConvolution {
        CausalConvolution(
          h, outputs, size: size, ownRow: true, centre: .included, colours: 1, gain: gain,
          at: scope / name)
      }
      return Unit(
        inner: vertical(h, size: 3, "inner"), classes: ClassBias(h, at: scope / "inner"),
        shortcut: shortcut ? vertical(h, size: 1, "shortcut") : nil,
        outer: vertical(2 * h, size: 3, gain: 2 * share, "outer"),
        gate: Gate(groups: 1, dropout: dropout, at: scope / "gate"),
        link: vertical(h, size: 1, "link"), ownClasses: ClassBias(h, at: scope / "link"),
        ownInner: own(h, size: 3, "own-inner"),
        ownShortcut: shortcut ? own(h, size: 1, "own-shortcut") : nil,
        ownOuter: own(2 * h, size: 3, gain: 2 * share, "own-outer"),
        ownGate: Gate(groups: 1, dropout: dropout, at: scope / "own-gate"))
    }
    levels = (0..<count).map { level in
      let scope = scope / "level\(level)"
      let isLast = level == count - 1
      return Level(
        down: (0..<units).map { unit(shortcut: false, scope / "down\($0)") },
        coarser: isLast ? nil : Self.coarser(image, below: level, channels: h, at: scope),
        up: isLast ? [] : (0..<units).map { unit(shortcut: true, scope / "up\($0)") })
    }
    end = PixelColours(image, head, channels: h, at: scope / "end")
  }

  /// The way from a level to the next, and back.
  private static func coarser(
    _ image: ImageShape, below level: Int, channels h: Int, at scope: Scope
  )
    -> Coarser
  {
    let even = 0.5.squareRoot()
    let ownDown = CausalConvolution(
      h, h, size: 3, ownRow: true, centre: .included, colours: 1, gain: even,
      at: scope / "own-halved")
    let (height, width) = sides(image, level)
    return Coarser(
      halving: Halving(height: height, width: width, owner: ownDown.weight),
      rowsDown: VerticalConvolution(h, h, size: 3, gain: even, at: scope / "halved"),
      ownDown: ownDown,
      rowsUp: VerticalConvolution(h, 4 * h, size: 1, gain: even, at: scope / "doubled"),
      ownUp: CausalConvolution(
        h, 4 * h, size: 1, centre: .included, colours: 1, gain: even, at: scope / "own-doubled"))
  }

  /// The sides of a level's maps.
  private static func sides(_ image: ImageShape, _ level: Int) -> (height: Int, width: Int) {
    func halved(_ side: Int) -> Int { (side + (1 << level) - 1) >> level }
    return (halved(image.height), halved(image.width))
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    let first = Streams(
      rows: context.convolveRows(batch, rowsAbove), own: context.convolve(batch, ownRow))
    let outputs = end(batch, in: context) {
      var streams = first
      run(levels[...], on: &streams, of: batch.labels, in: context)
      return streams.own  // [N, H, W, h]
    }
    let logits = context.nextStep(outputs, of: head)
    return distribution(palette.map { $0(logits, batch.symbols, in: context) } ?? logits)
  }

  /// A level with all that are coarser.
  private func run(
    _ levels: ArraySlice<Level>, on streams: inout Streams, of labels: [Int]?, in context: Context
  ) {
    guard let level = levels.first else { return }
    var shortcuts: [Streams] = []
    for unit in level.down {
      unit.run(on: &streams.rows, &streams.own, of: labels, in: context)
      shortcuts.append(streams)
    }
    guard let coarser = level.coarser else { return }
    let (halving, begins) = (coarser.halving, context.rowBegins)
    // Every row and every pixel goes into the memories of these; of every second one they have a say.
    let rows = begins ? coarser.rowsDown(streams.rows, in: context) : nil
    let own = coarser.ownDown(streams.own, in: context)
    var raised: (rows: Variable?, own: Variable?)
    if halving.isDue(in: context) {
      let inside = halving.coarse(in: context)
      var streams = Streams(
        rows: rows.map { halving.downRows($0, in: context) } ?? streams.rows,
        own: halving.down(own, in: context))
      run(levels.dropFirst(), on: &streams, of: labels, in: inside)
      raised = (
        begins ? coarser.rowsUp(streams.rows, in: inside) : nil,
        coarser.ownUp(streams.own, in: inside)
      )
    }
    if begins { streams.rows = halving.upRows(raised.rows, in: context) }
    streams.own = halving.up(raised.own, in: context)
    for (unit, shortcut) in zip(level.up, shortcuts.reversed()) {
      unit.run(
        on: &streams.rows, &streams.own, shortcut: (shortcut.rows, shortcut.own), of: labels,
        in: context)
    }
  }

  /// Each kernel at each pixel of its level.
  public var multiplyAdds: Int {
    let pixels = image.height * image.width
    let ends = end.weights + [rowsAbove.convolution.weight, ownRow.convolution.weight]
    return levels.enumerated().reduce(pixels * ends.reduce(0) { $0 + $1.count }) { sum, next in
      let (height, width) = Self.sides(image, next.offset)
      let fine = (next.element.down + next.element.up).flatMap(\.weights)
      let way = next.element.coarser.map { [$0.rowsDown.weight, $0.ownDown.weight] } ?? []
      let back = next.element.coarser.map { [$0.rowsUp.weight, $0.ownUp.weight] } ?? []
      let coarse = Self.sides(image, next.offset + 1)
      return sum + height * width * (fine + way).reduce(0) { $0 + $1.count }
        + coarse.height * coarse.width * back.reduce(0) { $0 + $1.count }
    }
  }
}

extension PixelCNNPlus.Unit {
  var weights: [Parameter] {
    [inner.weight, outer.weight, link.weight, ownInner.weight, ownOuter.weight]
      + [shortcut?.weight, ownShortcut?.weight].compactMap(\.self)
  }

  func run(
    on rows: inout Variable, _ own: inout Variable,
    shortcut from: (rows: Variable, own: Variable)? = nil, of labels: [Int]?, in context: Context
  ) {
    let above = context.onceARow(link.weight) {
      let added = from.flatMap { from in
        shortcut.map { $0(from.rows, rectified: true, in: context) }
      }
      let a = context.biased(
        inner(rows, rectified: true, adding: added, in: context), by: classes, of: labels)
      let b = outer(a, rectified: true, in: context)  // [N, H, W, 2h]
      rows = context.sum(rows, gate(b, in: context))
      return context.biased(link(rows, rectified: true, in: context), by: ownClasses, of: labels)
    }
    var a = ownInner(own, rectified: true, adding: above, in: context)
    if let from, let ownShortcut {
      a = ownShortcut(from.own, rectified: true, adding: a, in: context)
    }
    let b = ownOuter(a, rectified: true, in: context)  // [N, H, W, 2h]
    own = context.sum(own, ownGate(b, in: context))
  }
}
