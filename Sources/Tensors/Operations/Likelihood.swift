extension Context {
  /// log p of each symbol, nats, under Bernoulli logits: `[N, D]` → `[N, D]`.
  public func bernoulliLogProbability(_ logits: Variable, of symbols: [UInt8]) -> Variable {
    precondition(
      symbols.count == logits.value.count, "\(symbols.count) symbols, logits \(logits.shape)")
    requireSymbols(symbols, below: 2)
    let y = Tensor(logits.shape, wide)
    backend.bernoulliLogProbability(logits.value, symbols, into: y)
    return record(y, from: [logits]) { [self] dy, gradients in
      let dlogits = Tensor(logits.shape, logits.value.precision)
      backend.bernoulliGradient(dy, logits.value, symbols, into: dlogits)
      gradients.add(dlogits, to: logits.slot)
    }
  }

  /// log p of each symbol, nats, under categorical logits: `[N, D, K]` → `[N, D]`.
  public func categoricalLogProbability(_ logits: Variable, of symbols: [UInt8]) -> Variable {
    let shape: Shape = [logits.shape[0], logits.shape[1]]
    precondition(symbols.count == shape.count, "\(symbols.count) symbols, logits \(logits.shape)")
    requireSymbols(symbols, below: logits.shape[2])
    let y = Tensor(shape, wide)
    backend.categoricalLogProbability(logits.value, symbols, into: y)
    return record(y, from: [logits]) { [self] dy, gradients in
      // Unlike the logits as wide as activations are: it is the largest tensor of a 256-way step.
      let dlogits = Tensor(logits.shape, precision)
      backend.categoricalGradient(dy, logits.value, symbols, into: dlogits)
      gradients.add(dlogits, to: logits.slot)
    }
  }
}

/// Traps where a symbol has no logit: a kernel would read, and write the gradient, beyond the tensor.
private func requireSymbols(_ symbols: [UInt8], below levels: Int) {
  let largest = Int(symbols.max() ?? 0)
  precondition(largest < levels, "symbols must be below \(levels), found \(largest)")
}
