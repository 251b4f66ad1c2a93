import Tensors

/// NADE of classes: a class is a sub-pixel of its own before all others, 1 where an image is of it, so
/// that the running activation starts at c plus the row of its class. What is said of those sub-pixels is
/// left out.
struct NADEClasses {
  let bias: ClassBias  // [classes, H]
  /// `[N, classes]`
  let told: Tensor

  init(_ bias: ClassBias, of labels: [Int]?, in context: Context) {
    self.bias = bias
    told = bias.oneHot(labels, in: context)
  }

  var count: Int { told.shape[1] }

  /// x `[N, D]` after the classes: `[N, classes + D]`.
  func before(_ x: Variable, in context: Context) -> Variable {
    let (images, d) = (x.shape[0], x.shape[1])
    let y = Tensor([images, count + d], x.value.precision)
    y.setColumns(from: 0, to: told)
    y.setColumns(from: count, to: x.value)
    return context.record(y, from: [x]) { [count] dy, gradients in
      gradients.add(dy.steps(count..<count + d), to: x.slot)
    }
  }

  /// The rows of the classes above those of w `[D, H]`.
  func above(_ w: Variable, in context: Context) -> Variable {
    let weights = context.variable(bias.weight)
    return context.record(weights.value.above(w.value), from: [weights, w]) {
      [count] dy, gradients in
      gradients.add(dy.rows(0..<count), to: weights.slot)
      gradients.add(dy.rows(count..<dy.shape[0]), to: w.slot)
    }
  }

  /// As many rows of zeros above those of v `[D, …]`.
  func zerosAbove(_ v: Variable, in context: Context) -> Variable {
    context.record(zeros(like: v.value).above(v.value), from: [v]) { [count] dy, gradients in
      gradients.add(dy.rows(count..<dy.shape[0]), to: v.slot)
    }
  }

  /// Of logits `[N, classes + D, K]` those of sub-pixels.
  func after(_ logits: Variable, in context: Context) -> Variable {
    let shape = logits.shape
    let pixels = logits.value.steps(count..<shape[1])
    return context.record(pixels, from: [logits]) { [count] dy, gradients in
      let all = Tensor.zeros(shape, dy.precision)
      let (rows, width) = (shape[1] * shape[2], dy.count / shape[0])
      all.reshaped([shape[0], rows]).setColumns(
        from: count * shape[2], to: dy.reshaped([shape[0], width]))
      gradients.add(all, to: logits.slot)
    }
  }

  func zeros(like v: Tensor) -> Tensor {
    .zeros(v.shape.withOutermost(count), v.precision)
  }
}

extension Tensor {
  /// These rows, then those of another.
  func above(_ other: Tensor) -> Tensor {
    let result = Tensor(shape.withOutermost(shape[0] + other.shape[0]), precision)
    result.rows(0..<shape[0]).copy(from: self)
    result.rows(shape[0]..<shape[0] + other.shape[0]).copy(from: other)
    return result
  }

  /// A copy of what each image has at some steps: `[N, D, …]` → `[N, steps, …]`.
  fileprivate func steps(_ steps: Range<Int>) -> Tensor {
    let (images, all) = (shape[0], shape[1])
    let each = shape.count / images / all
    let chosen = reshaped([images * all, each]).copy(
      ofRows: (0..<images).flatMap { n in steps.map { n * all + $0 } })
    return chosen.reshaped(
      shape.rank == 2 ? [images, steps.count] : [images, steps.count, each])
  }
}
