extension Context {
  /// f(x), any shape.
  public func activate(_ f: Activation, _ x: Variable) -> Variable {
    let y = Tensor(x.shape, x.value.precision)
    backend.activate(f, x.value, into: y)
    return record(y, from: [x]) { [self] dy, gradients in
      if let sum = gradients.pending(x.slot) {
        backend.activationGradient(
          f, output: y, dy, into: sum.reshaped(y.shape), accumulating: true)
      } else {
        backend.activationGradient(f, output: y, dy, into: dy, accumulating: false)
        gradients.add(dy, to: x.slot)
      }
    }
  }

  /// x with some elements dropped and the others scaled up, so that the mean stays.
  public func dropout(_ x: Variable, _ mask: DropoutMask) -> Variable {
    let y = Tensor(x.shape, x.value.precision)
    backend.dropout(mask, x.value, into: y)
    return record(y, from: [x]) { [self, slot = x.slot] dy, gradients in
      backend.dropout(mask, dy, into: dy)
      gradients.add(dy, to: slot)
    }
  }

  /// a + b, of one shape and precision.
  public func sum(_ a: Variable, _ b: Variable) -> Variable {
    requireSame(a.shape, b.shape)
    let y = Tensor(a.shape, a.value.precision)
    y.copy(from: a.value)
    backend.add(b.value, into: y)
    return record(y, from: [a, b]) { dy, gradients in
      let second = Tensor(dy.shape, dy.precision)
      second.copy(from: dy)
      gradients.add(dy, to: a.slot)
      gradients.add(second, to: b.slot)
    }
  }

  /// x ∘ mask, for a mask that changes from step to step; the weights themselves stay whole.
  public func masked(_ x: Variable, by mask: Tensor) -> Variable {
    let y = Tensor(x.shape, x.value.precision)
    backend.product(x.value, mask, into: y)
    return record(y, from: [x]) { [self] dy, gradients in
      backend.product(dy, mask, into: dy)
      gradients.add(dy, to: x.slot)
    }
  }

  /// x `[N, H, W, C]` with further channels that are the same for every image: planes `[H, W, P]` →
  /// `[N, H, W, C + P]`.
  public func appendChannels(_ planes: Tensor, to x: Variable) -> Variable {
    precondition(
      x.shape[1] == planes.shape[0] && x.shape[2] == planes.shape[1],
      "cannot append channels \(planes.shape) to \(x.shape)")
    let y = Tensor(
      [x.shape[0], x.shape[1], x.shape[2], x.shape[3] + planes.shape[2]], x.value.precision)
    backend.appendChannels(planes, to: x.value, into: y)
    return record(y, from: [x]) { dy, gradients in
      gradients.add(dy.leadingChannels(x.shape[3]), to: x.slot)
    }
  }

  /// x in another precision.
  public func cast(_ x: Variable, to precision: Precision) -> Variable {
    guard precision != x.value.precision else { return x }
    let y = converted(x.value, to: precision)
    return record(y, from: [x]) { [self] dy, gradients in
      gradients.add(converted(dy, to: x.value.precision), to: x.slot)
    }
  }

  /// scale · x + offset.
  public func affine(_ x: Variable, scale: Double, offset: Double) -> Variable {
    let y = Tensor(x.shape, x.value.precision)
    backend.affine(x.value, scale: scale, offset: offset, into: y)
    return record(y, from: [x]) { [self] dy, gradients in
      let dx = Tensor(dy.shape, dy.precision)
      backend.affine(dy, scale: scale, offset: 0, into: dx)
      gradients.add(dx, to: x.slot)
    }
  }

  /// Symbols as intensities, scale · symbol + offset, in the precision of activations: a constant.
  public func intensities(
    _ symbols: [UInt8], shape: Shape, scale: Double, offset: Double, precision: Precision? = nil
  ) -> Variable {
    precondition(symbols.count == shape.count, "\(symbols.count) symbols do not fill \(shape)")
    let y = Tensor(shape, precision ?? self.precision)
    backend.intensities(symbols, scale: scale, offset: offset, into: y)
    return Variable(y)
  }
}
