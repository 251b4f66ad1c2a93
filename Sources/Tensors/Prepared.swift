import Synchronization

/// The row and column of a pixel.
public struct Pixel: Sendable, Equatable {
  public let row: Int
  public let column: Int

  public init(row: Int, column: Int) {
    self.row = row
    self.column = column
  }
}

/// A convolution's weights as a backend's kernels read them.
///
/// A class, as a step hands them on several times: one count goes up for it, not one a tensor.
public final class ConvolutionWeights: @unchecked Sendable {
  /// `[O, I, kh, kw]`.
  public let weights: Tensor
  /// `[O]`.
  public let bias: Tensor
  public let geometry: ConvolutionGeometry
  /// That of the operands; sums are wide.
  public let precision: Precision
  /// The weights in the kernels' own layout; nil where those read `weights`.
  public let packed: Tensor?
  /// Whether it is the first layer's.
  public let ofImage: Bool
  /// Where `packed` and `bias` begin.
  package let first: (packed: UnsafeMutableRawPointer?, bias: UnsafeMutableRawPointer)

  public init(
    weights: Tensor, bias: Tensor, _ geometry: ConvolutionGeometry, _ precision: Precision,
    packed: Tensor?, ofImage: Bool
  ) {
    self.ofImage = ofImage
    self.weights = weights
    self.bias = bias
    self.geometry = geometry
    self.precision = precision
    self.packed = packed
    first = (packed?.pointer, bias.pointer)
  }

  /// Another reference to the same weights: threads that handed on the same one at each step would wait for
  /// its count.
  public convenience init(_ other: ConvolutionWeights) {
    self.init(
      weights: other.weights, bias: other.bias, other.geometry, other.precision,
      packed: other.packed, ofImage: other.ofImage)
  }

  public var inputs: Int { weights.shape[1] }
  public var outputs: Int { weights.shape[0] }
}

/// The inputs that a convolution still needs of images whose pixels come one after the other.
public struct ConvolutionMemory: Sendable {
  /// A row an image, in the backend's own layout.
  public let rows: Tensor
  /// Columns of the images.
  public let width: Int

  public init(rows: Tensor, width: Int) {
    self.rows = rows
    self.width = width
  }

  /// The same of these images.
  public func copy(of images: [Int]) -> ConvolutionMemory {
    ConvolutionMemory(rows: rows.copy(ofRows: images), width: width)
  }
}

/// A matrix whose rows have live weights in their first columns only, as a product with images side by
/// side reads it.
///
/// A class, as convolutions' are.
public final class ProductWeights: @unchecked Sendable {
  /// `[rows, stride]`; a row's columns are followed by zeros up to the stride, which is even in
  /// bfloat16.
  public let weights: Tensor
  public let bias: Tensor?
  /// Live leading columns of each row; the weights beyond are zero.
  public let lengths: [UInt32]
  /// Where `weights` and `bias` begin.
  package let first: (weights: UnsafeMutableRawPointer, bias: UnsafeMutableRawPointer?)

  /// - Parameters:
  ///   - weights: `[rows, columns]`, zero where no weight is live.
  ///   - lengths: live leading columns of each row.
  public init(
    _ weights: Tensor, bias: Tensor?, lengths: [Int], precision: Precision, _ backend: any Backend
  ) {
    let (rows, columns) = (weights.shape[0], weights.shape[1])
    precondition(lengths.count == rows, "\(lengths.count) lengths for \(weights.shape)")
    if precision == weights.precision {
      self.weights = weights
    } else {
      let stride = (columns + 1) / 2 * 2
      let even = stride == columns ? weights : weights.widened(to: stride)
      self.weights = Tensor([rows, stride], precision)
      backend.convert(even, into: self.weights)
    }
    self.bias = bias
    self.lengths = lengths.map(UInt32.init)
    first = (self.weights.pointer, bias?.pointer)
  }

  /// Another reference to the same weights, with lengths of its own.
  public init(_ other: ProductWeights) {
    (weights, bias, first) = (other.weights, other.bias, other.first)
    lengths = other.lengths.map { $0 }
  }

  public var rows: Int { weights.shape[0] }
}

/// The beginnings of some rows' sums, over inputs that will not change any more.
public struct LeadingSums: Sendable {
  public let rows: Range<Int>
  /// Elements that are in the sums.
  public let elements: Int
  /// `[rows, L]`, wide.
  public let sums: SideBySide

  public init(rows: Range<Int>, elements: Int, _ sums: SideBySide) {
    self.rows = rows
    self.elements = elements
    self.sums = sums
  }

  /// The same of these images.
  public func copy(of images: [Int]) -> LeadingSums {
    LeadingSums(rows: rows, elements: elements, sums.copy(of: images))
  }
}

extension Tensor {
  /// A matrix with columns of zeros after its own.
  func widened(to columns: Int) -> Tensor {
    let wide = Tensor.zeros([shape[0], columns], precision)
    wide.setColumns(from: 0, to: self)
    return wide
  }
}

/// Numbers of several images side by side: element k of image n at `[k, n]`, so that one weight meets
/// the same element of many images at once. In bfloat16 two elements share a word: `[K / 2, L, 2]`.
public struct SideBySide: @unchecked Sendable {
  public let values: Tensor
  /// Elements an image.
  public let elements: Int
  public let images: Int

  /// Images are filled up to a multiple of this with zeros.
  public static let grain = 16

  /// Elements that are not yet set.
  public init(elements: Int, images: Int, _ precision: Precision) {
    let lanes = (images + Self.grain - 1) / Self.grain * Self.grain
    self.init(
      Tensor(
        precision == .bfloat16 ? [(elements + 1) / 2, lanes, 2] : [elements, lanes], precision),
      elements: elements, images: images)
  }

  public static func zeros(elements: Int, images: Int, _ precision: Precision) -> SideBySide {
    let result = SideBySide(elements: elements, images: images, precision)
    result.values.clear()
    return result
  }

  init(_ values: Tensor, elements: Int, images: Int) {
    self.values = values
    self.elements = elements
    self.images = images
  }

  /// Images with what fills them up.
  public var lanes: Int { values.shape[1] }
  public var precision: Precision { values.precision }

  /// Where an element of an image stands.
  func place(_ element: Int, _ image: Int) -> Int {
    precision == .bfloat16
      ? (element / 2 * lanes + image) * 2 + element % 2 : element * lanes + image
  }

  /// A copy of these images, in this order.
  public func copy(of chosen: [Int]) -> SideBySide {
    let result = SideBySide.zeros(elements: elements, images: chosen.count, precision)
    let word = precision == .bfloat16 ? 4 : precision.byteCount
    for row in 0..<values.shape[0] {
      for (n, image) in chosen.enumerated() {
        (result.values.pointer + (row * result.lanes + n) * word).copyMemory(
          from: values.pointer + (row * lanes + image) * word, byteCount: word)
      }
    }
    return result
  }
}

/// Forms of weights that are made once and read by every pass: rounded, packed, put in order. They
/// hold as long as the weights do not change.
public final class PreparedWeights: Sendable {
  private let forms = Mutex<[Key: any Sendable]>([:])
  /// bfloat16 copies of parameters, kept by whoever changes those.
  let copies: [ObjectIdentifier: Tensor]

  private struct Key: Hashable {
    let parameter: ObjectIdentifier
    let form: String
  }

  public init(copies: [ObjectIdentifier: Tensor] = [:]) {
    self.copies = copies
  }

  /// The form of a parameter under a name, made where it is not there yet.
  public func form<Form: Sendable>(
    _ name: String, of parameter: Parameter, _ make: () -> Form
  ) -> Form {
    let key = Key(parameter: ObjectIdentifier(parameter), form: name)
    return forms.withLock { forms in
      if let form = forms[key] as? Form { return form }
      let form = make()
      forms[key] = form
      return form
    }
  }
}
