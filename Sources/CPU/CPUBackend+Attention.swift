import CKernels
import Layers
import Tensors

extension CPUBackend: AttentionKernels {
  public func attend(
    _ shape: AttentionShape, _ q: Tensor, _ kv: Tensor, into y: Tensor, logSums: Tensor
  ) {
    var kernel = shape.kernel(of: q)
    exclusively {
      let scratch = Tensor([sl_attention_scratch_count(&kernel, 0)], .float32)
      sl_attend(
        &kernel, q.pointer, kv.pointer, y.pointer, logSums.floats.baseAddress,
        scratch.floats.baseAddress)
      withExtendedLifetime(scratch) {}
    }
    keepAlive(q, kv, y, logSums)
  }

  public func attendGradient(
    _ shape: AttentionShape, _ dy: Tensor, _ q: Tensor, _ kv: Tensor, output y: Tensor,
    logSums: Tensor, dq: Tensor, dkv: Tensor
  ) {
    var kernel = shape.kernel(of: q)
    exclusively {
      let scratch = Tensor([sl_attention_scratch_count(&kernel, 1)], .float32)
      sl_attend_gradient(
        &kernel, dy.pointer, q.pointer, kv.pointer, y.pointer, logSums.floats.baseAddress,
        dq.pointer, dkv.pointer, scratch.floats.baseAddress)
      withExtendedLifetime(scratch) {}
    }
    keepAlive(dy, q, kv, y, logSums, dq, dkv)
  }

  public func attentionMemory(
    _ shape: AttentionShape, images: Int, length: Int, _ precision: Precision
  ) -> Tensor {
    var kernel = shape.kernel(images: images, length: length, precision)
    return .zeros([images, sl_attention_memory_bytes(&kernel) / 4], .float32)
  }

  public func attendNext(
    _ shape: AttentionShape, position: Int, length: Int, _ q: Tensor, _ kv: Tensor,
    memory: Tensor, into y: Tensor
  ) {
    precondition(position < length, "no position \(position) of \(length)")
    var kernel = shape.kernel(images: memory.shape[0], length: length, q.precision)
    sl_attend_next(&kernel, position, q.pointer, kv.pointer, memory.pointer, y.pointer)
    keepAlive(q, kv, memory, y)
  }
}

extension AttentionShape {
  fileprivate func kernel(images: Int, length: Int, _ precision: Precision) -> sl_attention {
    sl_attention(
      images: images, length: length, heads: heads, groups: groups, keys: keys, values: values,
      half: precision == .bfloat16 ? 1 : 0)
  }

  /// For the queries of all positions of some images.
  fileprivate func kernel(of q: Tensor) -> sl_attention {
    kernel(images: q.shape[0], length: q.count / q.shape[0] / (heads * keys), q.precision)
  }
}

extension CPUBackend: NormalisationKernels {
  public func normalise(
    _ x: Tensor, gain: Tensor, bias: Tensor, epsilon: Double, into y: Tensor
  ) {
    exclusively {
      sl_norm(
        x.pointer, gain.floats.baseAddress, bias.floats.baseAddress, Float(epsilon), y.pointer,
        x.count / gain.count, gain.count, x.precision == .bfloat16 ? 1 : 0)
    }
    keepAlive(x, gain, bias, y)
  }

  public func normaliseGradient(
    _ dy: Tensor, _ x: Tensor, gain: Tensor, epsilon: Double, dx: Tensor, dgain: Tensor,
    dbias: Tensor
  ) {
    let rows = x.count / gain.count
    exclusively {
      let scratch = Tensor([sl_norm_scratch_count(rows, gain.count)], .float32)
      sl_norm_gradient(
        dy.pointer, x.pointer, gain.floats.baseAddress, Float(epsilon), dx.pointer,
        dgain.floats.baseAddress, dbias.floats.baseAddress, rows, gain.count,
        x.precision == .bfloat16 ? 1 : 0, scratch.floats.baseAddress)
      withExtendedLifetime(scratch) {}
    }
    keepAlive(dy, x, gain, dx, dgain, dbias)
  }

  public func gelu(_ x: Tensor, into y: Tensor) {
    exclusively { sl_gelu(x.pointer, y.pointer, x.count, x.precision == .bfloat16 ? 1 : 0) }
    keepAlive(x, y)
  }

  public func geluGradient(_ dy: Tensor, _ x: Tensor, into dx: Tensor) {
    exclusively {
      sl_gelu_gradient(
        dy.pointer, x.pointer, dx.pointer, x.count, x.precision == .bfloat16 ? 1 : 0)
    }
    keepAlive(dy, x, dx)
  }
}
