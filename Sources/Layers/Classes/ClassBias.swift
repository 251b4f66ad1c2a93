import Tensors

/// A bias of a layer for each class, as images of a class are told (van den Oord et al. 2016b,
/// arXiv:1606.05328, equation 4): y = x + b_class.
///
/// It starts at zero, so that an untrained model of classes is the one without them, and sees no pixel, so
/// that nothing of what a layer may see changes.
///
/// ```swift
/// let classes = ClassBias(channels, at: scope / "first")  // nil in a model of no classes
/// let y = context.biased(x, by: classes, of: batch.labels)
/// ```
public struct ClassBias {
  /// `[classes, outputs]`.
  public let weight: Parameter

  /// Nil where the model is told no classes.
  /// - Parameter outputs: of the layer; numbers an image where images share none.
  public init?(_ outputs: Int, at scope: Scope) {
    guard scope.classes > 0 else { return nil }
    weight = scope.parameter("classes", [scope.classes, outputs], .zeros, decays: true)
  }

  private var classes: Int { weight.shape[0] }

  /// Whether a parameter of this name is such a bias.
  public static func isNamed(_ name: String) -> Bool {
    name.split(separator: "/").last == "classes"
  }

  /// The bias of each image, wide: `[N, outputs]`, or of some of them.
  private func rows(of labels: [Int], _ outputs: Range<Int>?, in context: Context) -> Tensor {
    let rows = context.converted(weight.value.copy(ofRows: labels), to: context.wide)
    guard let outputs else { return rows }
    let all = rows.shape[1]
    return rows.reshaped([labels.count * all, 1]).copy(
      ofRows: labels.indices.flatMap { n in outputs.map { n * all + $0 } }
    ).reshaped([labels.count, outputs.count])
  }

  /// x `[…, outputs]` plus the bias of each image's class.
  /// - Parameter outputs: of which x is; nil: all.
  func add(
    to x: Variable, _ outputs: Range<Int>?, of labels: [Int]?, in context: Context
  ) -> Variable {
    let labels = checked(labels)
    let bias = rows(of: labels, outputs, in: context)
    let (images, width) = (labels.count, bias.shape[1])
    precondition(
      x.value.count % (images * width) == 0, "no bias of \(bias.shape) for \(x.shape)")
    // The next pixel of each image, or a row with images side by side: images change fastest.
    let each = context.memory == nil ? x.value.count / images / width : 1
    let y = Tensor(x.shape, x.value.precision)
    context.classKernels.addBias(bias, each: each, to: x.value, into: y)
    guard context.tape != nil else { return Variable(y) }
    let weights = context.variable(weight)
    return context.record(y, from: [x, weights]) { dy, gradients in
      gradients.add(
        weightGradient(dy.reshaped([images, each, width]), labels, in: context), to: weights.slot)
      gradients.add(dy, to: x.slot)
    }
  }

  /// Sums of dy `[N, each, outputs]` over the images of a class: `[classes, outputs]`.
  private func weightGradient(_ dy: Tensor, _ labels: [Int], in context: Context) -> Tensor {
    let (images, each, width) = (dy.shape[0], dy.shape[1], dy.shape[2])
    let sums: Tensor
    if each == 1 {
      sums = context.converted(dy, to: context.wide).reshaped([images, width])
    } else {
      sums = Tensor([images, width], context.wide)
      for n in 0..<images {
        context.backend.sumOfRows(
          dy.rows(n..<n + 1).reshaped([each, width]), into: sums.rows(n..<n + 1).reshaped([width]))
      }
    }
    let gradient = Tensor([classes, width], context.wide)
    context.backend.matrixProduct(
      oneHot(labels, in: context), transposed: true, sums, transposed: false, bias: nil,
      activation: .identity, into: gradient)
    return gradient
  }

  /// 1 where an image is of a class: `[N, classes]`, wide.
  func oneHot(_ labels: [Int]?, in context: Context) -> Tensor {
    let labels = checked(labels)
    let result = Tensor.zeros([labels.count, classes], context.wide)
    for (n, label) in labels.enumerated() { result.set(n * classes + label, to: 1) }
    return result
  }

  /// The bias of units, images side by side; wide.
  func sideBySide(
    _ units: [Int], of labels: [Int]?, in context: Context
  ) -> SideBySide {
    let labels = checked(labels)
    let result = SideBySide.zeros(
      elements: units.count, images: labels.count, context.wide)
    let (width, lanes, values) = (weight.shape[1], result.lanes, result.values)
    guard context.wide == .float32, weight.value.precision == .float32 else {
      for (element, unit) in units.enumerated() {
        for (n, label) in labels.enumerated() {
          values.set(element * lanes + n, to: weight.value.element(label * width + unit))
        }
      }
      return result
    }
    let (to, from) = (values.floats, weight.value.floats)
    for (element, unit) in units.enumerated() {
      for (n, label) in labels.enumerated() {
        to[element * lanes + n] = from[label * width + unit]
      }
    }
    return result
  }

  /// The labels, each of them a class; traps where they are not.
  public func checked(_ labels: [Int]?) -> [Int] {
    guard let labels else {
      preconditionFailure("a model of \(classes) classes is told the class of each image")
    }
    precondition(
      labels.allSatisfy((0..<classes).contains), "a label is 0 ..< \(classes), found \(labels)")
    return labels
  }
}

extension Context {
  /// x plus the bias of each image's class; x itself where there are no classes.
  /// - Parameters:
  ///   - outputs: of the layer, of which x is; nil: all.
  ///   - labels: of the batch.
  public func biased(
    _ x: Variable, by classes: ClassBias?, _ outputs: Range<Int>? = nil, of labels: [Int]?
  ) -> Variable {
    classes.map { $0.add(to: x, outputs, of: labels, in: self) } ?? x
  }
}
