import Layers
import Tensors
import TestSupport

extension KernelCase {
  /// Images, positions, heads of queries and of keys, keys and values: counts beside the kernels' tiles of
  /// four queries and blocks of 64 keys, and full ones; whole vectors and not.
  private static let sizes = [
    (1, 1, 1, 1, 1, 1), (2, 5, 2, 2, 3, 4), (1, 64, 1, 1, 16, 16), (3, 67, 2, 2, 16, 33),
    (2, 130, 3, 3, 8, 5), (2, 67, 6, 2, 8, 5), (3, 64, 4, 1, 16, 16),
  ]

  static let attention: [KernelCase] = [Precision.float32, .bfloat16].flatMap { precision in
    sizes.flatMap { n, length, heads, groups, keys, values in
      let shape = AttentionShape(heads: heads, groups: groups, keys: keys, values: values)
      let of = "\(heads) heads and \(groups) of \(keys) and \(values)"
      let what = "attention of \(n)x\(length), \(of)"
      let (wideQ, wideY): (Shape, Shape) = (
        [n, 1, length, heads * keys], [n, 1, length, heads * values]
      )
      let wideKV: Shape = [n, 1, length, shape.keyValueWidth]
      @Sendable func forward(_ backend: any Backend, _ arguments: Arguments) -> (
        q: Tensor, kv: Tensor, y: Tensor, logSums: Tensor
      ) {
        let (q, kv) = (
          arguments.random(wideQ, "q", scale: 3), arguments.random(wideKV, "kv", scale: 2)
        )
        let (y, logSums) = (
          arguments.result(wideY), arguments.result([n, heads, length], .float32)
        )
        (backend as! any AttentionKernels).attend(shape, q, kv, into: y, logSums: logSums)
        return (q, kv, y, logSums)
      }
      return [
        KernelCase(what, precision) { backend, arguments in
          let all = forward(backend, arguments)
          return [all.y, all.logSums]
        },
        KernelCase("gradient of \(what)", precision, roundings: 3) { backend, arguments in
          let all = forward(backend, arguments)
          let (dq, dkv) = (arguments.result(wideQ), arguments.result(wideKV))
          (backend as! any AttentionKernels).attendGradient(
            shape, arguments.random(wideY, "dy"), all.q, all.kv, output: all.y,
            logSums: all.logSums, dq: dq, dkv: dkv)
          return [dq, dkv]
        },
      ]
    }
  }

  static let normalisation: [KernelCase] = [Precision.float32, .bfloat16].flatMap { precision in
    [(1, 2), (3, 5), (37, 64), (700, 48)].flatMap { rows, channels in
      let shape: Shape = [rows, channels]
      return [
        KernelCase("layer norm of \(rows)x\(channels)", precision) { backend, arguments in
          let y = arguments.result(shape)
          (backend as! any NormalisationKernels).normalise(
            arguments.random(shape, "x", scale: 3),
            gain: arguments.random([channels], "gain", .float32),
            bias: arguments.random([channels], "bias", .float32), epsilon: 1e-5, into: y)
          return [y]
        },
        // Each dx is dy · gain / σ less its mean and its part along the row, which of two numbers are all
        // of it. |x| ≤ 3, so dy · gain / σ, of draws from −1…1, is rarely below a hundredth.
        KernelCase(
          "gradient of layer norm of \(rows)x\(channels)", precision, terms: 0.01
        ) { backend, arguments in
          let dx = arguments.result(shape)
          let (dgain, dbias) = (
            arguments.result([channels], .float32), arguments.result([channels], .float32)
          )
          (backend as! any NormalisationKernels).normaliseGradient(
            arguments.random(shape, "dy"), arguments.random(shape, "x", scale: 3),
            gain: arguments.random([channels], "gain", .float32), epsilon: 1e-5, dx: dx,
            dgain: dgain, dbias: dbias)
          return [dx, dgain, dbias]
        },
        KernelCase("GELU of \(rows)x\(channels)", precision) { backend, arguments in
          let (y, dx) = (arguments.result(shape), arguments.result(shape))
          let x = arguments.random(shape, "x", scale: 8)
          let kernels = backend as! any NormalisationKernels
          kernels.gelu(x, into: y)
          kernels.geluGradient(arguments.random(shape, "dy"), x, into: dx)
          return [y, dx]
        },
      ]
    }
  }
}
