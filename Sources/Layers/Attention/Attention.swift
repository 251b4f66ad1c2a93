import Tensors

/// Causal attention of several heads (Vaswani et al. 2017, arXiv:1706.03762, section 3.2), over positions
/// in raster order: y_i = Σ_{j ≤ i} softmax_j(q_i · k_j / √keys) v_j.
///
/// Heads may share keys and values (Shazeer 2019, arXiv:1911.02150; Ainslie et al. 2023, arXiv:2305.13245):
/// then less of each position is remembered, and read at each step when images are drawn.
///
/// The softmax goes by blocks of positions and the way back computes its weights anew (Dao et al. 2022,
/// arXiv:2205.14135), so no memory grows with the square of the length.
public struct Attention {
  public let shape: AttentionShape
  /// Positions of an image.
  let length: Int
  /// Names the place where keys and values are kept.
  let owner: Parameter

  public init(_ shape: AttentionShape, length: Int, owner: Parameter) {
    self.shape = shape
    self.length = length
    self.owner = owner
  }

  /// q `[N, H, W, heads · keys]`, kv `[N, H, W, groups · (keys + values)]` → `[N, H, W, heads · values]`;
  /// with a memory the next position, `[N, 1, 1, …]`.
  public func callAsFunction(_ q: Variable, _ kv: Variable, in context: Context) -> Variable {
    let (kernels, precision) = (context.attentionKernels, q.value.precision)
    precondition(
      q.shape[3] == shape.queryWidth && kv.shape[3] == shape.keyValueWidth,
      "no attention of \(shape) from \(q.shape) to \(kv.shape)")
    let y = Tensor([q.shape[0], q.shape[1], q.shape[2], shape.outputWidth], precision)
    if let memory = context.memory {
      let state = memory.state(of: owner, 1) {
        State(
          kernels.attentionMemory(shape, images: memory.images, length: length, precision),
          positions: 0)
      }
      kernels.attendNext(
        shape, position: state.positions, length: length, q.value, kv.value, memory: state.rows,
        into: y)
      state.positions += 1
      return Variable(y)
    }
    let logSums = Tensor([q.shape[0], shape.heads, q.shape[1] * q.shape[2]], context.wide)
    kernels.attend(shape, q.value, kv.value, into: y, logSums: logSums)
    return context.record(y, from: [q, kv]) { dy, gradients in
      let (dq, dkv) = (Tensor(q.shape, precision), Tensor(kv.shape, precision))
      kernels.attendGradient(
        shape, context.converted(dy, to: precision), q.value, kv.value, output: y,
        logSums: logSums, dq: dq, dkv: dkv)
      gradients.add(dq, to: q.slot)
      gradients.add(dkv, to: kv.slot)
    }
  }

  /// The keys and values so far.
  private final class State: LayerState {
    let rows: Tensor
    var positions: Int

    init(_ rows: Tensor, positions: Int) {
      self.rows = rows
      self.positions = positions
    }

    func copy(of images: [Int]) -> State {
      State(rows.copy(ofRows: images), positions: positions)
    }
  }
}

extension Context {
  var attentionKernels: any AttentionKernels {
    backend as? any AttentionKernels ?? ReferenceBackend()
  }
}

extension Attention {
  /// Of one image: a query with each key up to its own, a weight with each value.
  public var multiplyAdds: Int {
    length * (length + 1) / 2 * shape.heads * (shape.keys + shape.values)
  }
}
