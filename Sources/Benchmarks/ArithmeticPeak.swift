import Tensors

extension Backend {
  /// Peak of the processor as measured, GFLOP/s, on as many threads as the backend has:
  /// multiply-adds that stay in registers, or where there is no loop of those the best of the
  /// products of two square matrices.
  /// - Parameters:
  ///   - side: of the matrices.
  ///   - seconds: to go on for; at least two products are done.
  public func arithmeticPeak(_ precision: Precision, side: Int = 2048, seconds budget: Double = 1)
    -> Double
  {
    if let peak = registerPeak(precision) { return peak }
    let ones = Tensor([side, side], precision, values: [Double](repeating: 1, count: side * side))
    let product = Tensor([side, side], precision)
    let start = ContinuousClock.now
    var best = Double.infinity
    // The first compiles.
    var done = 0
    while done < 2 || seconds(since: start) < budget {
      let start = ContinuousClock.now
      matrixProduct(
        ones, transposed: false, ones, transposed: false, bias: nil, activation: .identity,
        into: product)
      best = min(best, seconds(since: start))
      done += 1
    }
    let multiplyAdds = Double(side) * Double(side) * Double(side)
    return 2 * multiplyAdds / best / 1e9
  }
}
