import Foundation
import Tensors

extension ReferenceBackend: AttentionKernels {
  public func attend(
    _ shape: AttentionShape, _ q: Tensor, _ kv: Tensor, into y: Tensor, logSums: Tensor
  ) {
    let sizes = Sizes(shape, q, kv)
    var (result, logs) = (
      [Double](repeating: 0, count: y.count), [Double](repeating: 0, count: logSums.count)
    )
    for n in 0..<sizes.images {
      for head in 0..<shape.heads {
        for i in 0..<sizes.length {
          let scores = (0...i).map { sizes.score(n, head, i, $0) }
          let total = logSumExp(scores)
          logs[(n * shape.heads + head) * sizes.length + i] = total
          for c in 0..<shape.values {
            result[sizes.output(n, head, i) + c] = (0...i).reduce(0) {
              $0 + exp(scores[$1] - total) * sizes.kv[sizes.value(n, head, $1) + c]
            }
          }
        }
      }
    }
    y.write(result)
    logSums.write(logs)
  }

  public func attendGradient(
    _ shape: AttentionShape, _ dy: Tensor, _ q: Tensor, _ kv: Tensor, output y: Tensor,
    logSums: Tensor, dq: Tensor, dkv: Tensor
  ) {
    let sizes = Sizes(shape, q, kv)
    let (dy, logs) = (dy.values, logSums.values)
    var ofQ = [Double](repeating: 0, count: q.count)
    var ofKV = [Double](repeating: 0, count: kv.count)
    for n in 0..<sizes.images {
      for head in 0..<shape.heads {
        for i in 0..<sizes.length {
          let total = logs[(n * shape.heads + head) * sizes.length + i]
          let weights = (0...i).map { exp(sizes.score(n, head, i, $0) - total) }
          let g = sizes.output(n, head, i)
          let slopes = (0...i).map { j in
            (0..<shape.values).reduce(0) {
              $0 + dy[g + $1] * sizes.kv[sizes.value(n, head, j) + $1]
            }
          }
          let mean = zip(weights, slopes).reduce(0) { $0 + $1.0 * $1.1 }
          for j in 0...i {
            for c in 0..<shape.values {
              ofKV[sizes.value(n, head, j) + c] += weights[j] * dy[g + c]
            }
            let slope = weights[j] * (slopes[j] - mean) * sizes.scale
            for c in 0..<shape.keys {
              let (query, key) = (sizes.query(n, head, i) + c, sizes.key(n, head, j) + c)
              ofQ[query] += slope * sizes.kv[key]
              ofKV[key] += slope * sizes.q[query]
            }
          }
        }
      }
    }
    dq.write(ofQ)
    dkv.write(ofKV)
  }

  /// The kv of each position as they came.
  public func attentionMemory(
    _ shape: AttentionShape, images: Int, length: Int, _ precision: Precision
  ) -> Tensor {
    .zeros([images, length * shape.keyValueWidth], precision)
  }

  public func attendNext(
    _ shape: AttentionShape, position: Int, length: Int, _ q: Tensor, _ kv: Tensor,
    memory: Tensor, into y: Tensor
  ) {
    let (images, width) = (memory.shape[0], shape.keyValueWidth)
    let seen = Tensor([images, position + 1, width], kv.precision)
    let queries = Tensor.zeros([images, position + 1, shape.queryWidth], q.precision)
    for n in 0..<images {
      for c in 0..<width {
        memory.set((n * length + position) * width + c, to: kv.element(n * width + c))
        for i in 0...position {
          seen.set(
            (n * (position + 1) + i) * width + c, to: memory.element((n * length + i) * width + c))
        }
      }
      for c in 0..<shape.queryWidth {
        queries.set(
          (n * (position + 1) + position) * shape.queryWidth + c,
          to: q.element(n * shape.queryWidth + c))
      }
    }
    let all = Tensor([images, position + 1, shape.outputWidth], y.precision)
    attend(
      shape, queries, seen, into: all,
      logSums: Tensor([images, shape.heads, position + 1], .float64))
    for n in 0..<images {
      for c in 0..<shape.outputWidth {
        y.set(
          n * shape.outputWidth + c,
          to: all.element((n * (position + 1) + position) * shape.outputWidth + c))
      }
    }
  }

  /// Where the parts of q, kv and y stand.
  private struct Sizes {
    let shape: AttentionShape
    let images, length: Int
    let q, kv: [Double]
    let scale: Double

    init(_ shape: AttentionShape, _ q: Tensor, _ kv: Tensor) {
      self.shape = shape
      images = q.shape[0]
      length = q.count / images / shape.queryWidth
      (self.q, self.kv) = (q.values, kv.values)
      scale = 1 / Double(shape.keys).squareRoot()
    }

    func query(_ n: Int, _ head: Int, _ i: Int) -> Int {
      (n * length + i) * shape.queryWidth + head * shape.keys
    }
    func key(_ n: Int, _ head: Int, _ j: Int) -> Int {
      (n * length + j) * shape.keyValueWidth + head / shape.share * shape.keys
    }
    func value(_ n: Int, _ head: Int, _ j: Int) -> Int {
      (n * length + j) * shape.keyValueWidth + shape.groups * shape.keys
        + head / shape.share * shape.values
    }
    func output(_ n: Int, _ head: Int, _ i: Int) -> Int {
      (n * length + i) * shape.outputWidth + head * shape.values
    }
    func score(_ n: Int, _ head: Int, _ i: Int, _ j: Int) -> Double {
      scale
        * (0..<shape.keys).reduce(0) { $0 + q[query(n, head, i) + $1] * kv[key(n, head, j) + $1] }
    }
  }
}
