import Foundation

extension PlainBackend {
  public func bernoulliLogProbability(_ logits: Tensor, _ symbols: [UInt8], into y: Tensor) {
    y.write(
      zip(logits.values, symbols).map { logit, symbol in
        -softplus(symbol == 1 ? -logit : logit)
      })
  }

  public func bernoulliGradient(
    _ dy: Tensor, _ logits: Tensor, _ symbols: [UInt8], into dlogits: Tensor
  ) {
    let dy = dy.values
    dlogits.write(
      logits.values.enumerated().map { i, logit in
        dy[i] * (Double(symbols[i]) - Activation.sigmoid.value(logit))
      })
  }

  public func categoricalLogProbability(_ logits: Tensor, _ symbols: [UInt8], into y: Tensor) {
    let levels = logits.count / y.count
    let logits = logits.values
    y.write(
      symbols.enumerated().map { i, symbol in
        let row = logits[i * levels..<(i + 1) * levels]
        return row[i * levels + Int(symbol)] - logSumExp(row)
      })
  }

  public func categoricalGradient(
    _ dy: Tensor, _ logits: Tensor, _ symbols: [UInt8], into dlogits: Tensor
  ) {
    let levels = logits.count / dy.count
    let logits = logits.values
    var gradient = [Double](repeating: 0, count: logits.count)
    for (i, dy) in dy.values.enumerated() {
      let row = logits[i * levels..<(i + 1) * levels]
      let total = logSumExp(row)
      for k in row.indices { gradient[k] = -dy * exp(row[k] - total) }
      gradient[i * levels + Int(symbols[i])] += dy
    }
    dlogits.write(gradient)
  }
}

/// log(1 + exp(x)) without overflow.
package func softplus(_ x: Double) -> Double {
  max(x, 0) + log1p(exp(-abs(x)))
}
