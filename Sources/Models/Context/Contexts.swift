import Images
import Tensors

/// What is looked at of the sub-pixels that are known: the nearest pixels above and to the left, coarsely or
/// exactly. Two places where a template sees the same have the same context.
struct Template: Sendable {
  /// The nearest so many pixels, of the own channel.
  let pixels: Int
  /// Leading bits of each that count.
  let bits: Int
  /// Leading bits of the own pixel's earlier channels that count.
  var earlier = 0
  /// Leading bits that count of the level that the neighbours foretell.
  var foretold = 0
  /// Whether it counts how much the neighbours differ.
  var seesEdges = false
  /// How much it counts where in the image the pixel stands.
  var place = Place.anywhere

  enum Place {
    case anywhere
    /// In which square of four by four.
    case region
    case pixel
  }

  /// Of binary images: four that hold everywhere, three of a region and four of a pixel.
  static let binary =
    [10, 16, 24, 36].map { Template(pixels: $0, bits: 1, earlier: 1) }
    + [12, 20, 30].map { Template(pixels: $0, bits: 1, earlier: 1, place: .region) }
    + [4, 8, 14, 22].map { Template(pixels: $0, bits: 1, earlier: 1, place: .pixel) }

  /// Of images of many levels: few neighbours exactly, or many coarsely.
  static func levels(ofBits bits: Int) -> [Template] {
    func fewer(_ less: Int) -> Int { max(1, bits - less) }
    return [
      Template(pixels: 0, bits: bits, place: .pixel),
      Template(pixels: 0, bits: bits, foretold: bits),
      Template(pixels: 0, bits: bits, earlier: fewer(2), foretold: fewer(1), seesEdges: true),
      Template(pixels: 1, bits: bits, foretold: fewer(3), seesEdges: true),
      Template(pixels: 2, bits: fewer(2), earlier: fewer(4)),
      Template(pixels: 4, bits: fewer(4), earlier: fewer(4), foretold: fewer(3)),
      Template(pixels: 8, bits: fewer(6), earlier: fewer(5), foretold: fewer(4)),
      Template(pixels: 2, bits: fewer(4), foretold: fewer(3), place: .region),
    ]
  }
}

/// The contexts of sub-pixels under some templates, as keys of a hashed table.
struct Contexts: Sendable {
  let image: ImageShape
  /// Binary decisions that tell a level, the leading one first.
  let bits: Int
  let templates: [Template]
  /// The pixels that may count for each one, the nearest first, `[H W, most]`; −1 outside of the image.
  private let neighbours: [Int32]
  private let most: Int
  /// How many of them count with so many bits: one chain of hashes serves all templates of as many bits.
  private let chains: [(bits: Int, pixels: Int)]
  /// The chain of each template.
  private let chain: [Int]

  /// - Parameter isMeasuring: whether nothing will be looked at, and the image may be too large for it.
  init(_ image: ImageShape, levels: Int, isMeasuring: Bool = false) {
    self.image = image
    bits = Int.bitWidth - (levels - 1).leadingZeroBitCount
    templates = levels == 2 ? Template.binary : Template.levels(ofBits: bits)
    let most = templates.map(\.pixels).max()!
    self.most = most
    let offsets = (-8...0).flatMap { row in (-8...8).map { (row: row, column: $0) } }
      .filter { $0.row < 0 || $0.column < 0 }
      .sorted { a, b in
        let near = a.row * a.row + a.column * a.column
        let far = b.row * b.row + b.column * b.column
        return (near, -a.row, a.column) < (far, -b.row, b.column)
      }
      .prefix(most)
    neighbours = (0..<(isMeasuring ? 0 : image.height)).flatMap { row in
      (0..<image.width).flatMap { column in
        offsets.map { offset -> Int32 in
          let (r, c) = (row + offset.row, column + offset.column)
          return r >= 0 && c >= 0 && c < image.width ? Int32(r * image.width + c) : -1
        }
      }
    }
    let sizes = Dictionary(grouping: templates, by: \.bits).mapValues { $0.map(\.pixels).max()! }
    chains = sizes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    chain = templates.map { template in
      sizes.keys.sorted().firstIndex(of: template.bits)!
    }
  }

  /// The key of a binary decision in a context.
  /// - Parameter node: 1 for the leading one; 2 n and 2 n + 1 after a zero and a one at node n.
  static func key(_ context: UInt64, _ node: Int) -> UInt64 {
    var z = context &+ UInt64(node) &* 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// The context of sub-pixel i of an image under each template; only those before it are read.
  /// - Parameter label: the image's class, of which every second template has contexts of its own; what
  ///   the others see is counted of all classes together.
  func find(
    _ symbols: UnsafePointer<UInt8>, at i: Int, of label: Int?,
    into contexts: UnsafeMutablePointer<UInt64>
  ) {
    let channels = image.channels
    let (pixel, channel) = i.quotientAndRemainder(dividingBy: channels)
    let (row, column) = pixel.quotientAndRemainder(dividingBy: image.width)
    /// The level of a pixel's own channel; −1 outside of the image.
    func level(_ above: Int, _ aside: Int, _ channel: Int) -> Int {
      let (r, c) = (row + above, column + aside)
      guard r >= 0, c >= 0, c < image.width else { return -1 }
      return Int(symbols[(r * image.width + c) * channels + channel])
    }
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: chains.count * (most + 1)) {
      hashes in
      withUnsafeTemporaryAllocation(of: Int.self, capacity: most) { levels in
        neighbours.withUnsafeBufferPointer { neighbours in
          let own = neighbours.baseAddress! + pixel * most
          for place in 0..<most {
            let other = Int(own[place])
            levels[place] = other < 0 ? -1 : Int(symbols[other * channels + channel])
          }
        }
        for (index, chain) in chains.enumerated() {
          let first = index * (most + 1)
          hashes[first] = UInt64(channel + 1)
          for place in 0..<chain.pixels {
            // Arithmetic: what lies outside stays −1.
            let seen = levels[place] >> (bits - chain.bits)
            hashes[first + place + 1] = Self.folded(hashes[first + place], seen)
          }
        }
      }
      let foretold = bits > 1 ? foretell(level, channel) : (level: 0, edges: 0)
      for (index, template) in templates.enumerated() {
        var hash = hashes[chain[index] * (most + 1) + template.pixels]
        hash = Self.folded(hash, index)
        if template.earlier > 0 {
          for c in 0..<channel {
            hash = Self.folded(hash, level(0, 0, c) >> (bits - template.earlier))
          }
        }
        if template.foretold > 0 {
          hash = Self.folded(hash, foretold.level >> (bits - template.foretold))
        }
        if template.seesEdges { hash = Self.folded(hash, foretold.edges) }
        switch template.place {
        case .anywhere: break
        case .region: hash = Self.folded(Self.folded(hash, row / 4), column / 4)
        case .pixel: hash = Self.folded(hash, pixel)
        }
        if let label, index % 2 == 1 { hash = Self.folded(hash, label) }
        contexts[index] = hash
      }
    }
  }

  private static func folded(_ hash: UInt64, _ value: Int) -> UInt64 {
    let product = (hash &+ UInt64(bitPattern: Int64(value &+ 2))) &* 0x9e37_79b9_7f4a_7c15
    return product ^ (product >> 29)
  }

  /// The level that the neighbours foretell, by the median of left, above and the plane through them
  /// (Weinberger et al. 2000, LOCO-I, doi:10.1109/83.855427), moved by as much as the channel before missed
  /// its own; and how much they differ, in doublings of a level.
  private func foretell(_ level: (Int, Int, Int) -> Int, _ channel: Int) -> (level: Int, edges: Int)
  {
    let top = 1 << bits - 1
    func median(_ channel: Int) -> (level: Int, edges: Int) {
      let (left, above) = (level(0, -1, channel), level(-1, 0, channel))
      guard left >= 0 || above >= 0 else { return (top / 2, 0) }
      guard left >= 0 else { return (above, 0) }
      guard above >= 0 else { return (left, 0) }
      let corner = level(-1, -1, channel)
      let plane = left + above - corner
      let next = level(-1, 1, channel)
      return (
        max(min(left, above), min(max(left, above), plane)),
        abs(left - corner) + abs(above - corner) + (next < 0 ? 0 : abs(above - next))
      )
    }
    var own = median(channel)
    if channel > 0 {
      own.level += level(0, 0, channel - 1) - median(channel - 1).level
      own.level = max(0, min(top, own.level))
    }
    let doublings = Int.bitWidth - own.edges.leadingZeroBitCount
    return (own.level, doublings)
  }
}
