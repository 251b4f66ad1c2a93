import Tensors
import TestSupport

extension KernelCase {
  /// Counts around the width of a vector and around the share of a thread (4096).
  private static let counts = [1, 15, 17, 4095, 4097, 12_293, 40_003]
  private static let activations: [Activation] = [.identity, .relu, .sigmoid]

  static let pointwise: [KernelCase] = [Precision.float32, .bfloat16].flatMap { precision in
    counts.flatMap { n in
      plain(n, precision)
        + activations.flatMap { activation(n, $0, precision) }
    } + appended(precision)
  }

  /// The last has more pixels than two threads' share.
  private static func appended(_ precision: Precision) -> [KernelCase] {
    let images: [(Shape, Int)] = [([1, 1, 1, 1], 1), ([2, 3, 5, 3], 2), ([5, 43, 47, 1], 3)]
    return images.map { image, added in
      KernelCase("append \(added) channels to \(image)", precision) { backend, arguments in
        let y = arguments.result([image[0], image[1], image[2], image[3] + added])
        backend.appendChannels(
          arguments.weights([image[1], image[2], added], "planes"),
          to: arguments.random(image, "x"), into: y)
        return [y]
      }
    }
  }

  private static func plain(_ n: Int, _ precision: Precision) -> [KernelCase] {
    let other: Precision = precision == .float32 ? .bfloat16 : .float32
    return [
      KernelCase("intensities of \(n)", precision) { backend, arguments in
        let y = arguments.result([n])
        backend.intensities(
          (0..<n).map { UInt8(truncatingIfNeeded: $0) }, scale: 2 / 255, offset: -1, into: y)
        return [y]
      },
      KernelCase("convert \(n) from \(other)", precision) { backend, arguments in
        let y = arguments.result([n])
        backend.convert(arguments.random([n], "x", other), into: y)
        return [y]
      },
      KernelCase("convert \(n) to the same", precision) { backend, arguments in
        let y = arguments.result([n])
        backend.convert(arguments.random([n], "x"), into: y)
        return [y]
      },
      KernelCase("add \(n)", precision) { backend, arguments in
        let y = arguments.random([n], "y")
        backend.add(arguments.random([n], "x"), into: y)
        return [y]
      },
      KernelCase("add \(n) of \(other)", precision) { backend, arguments in
        let y = arguments.random([n], "y")
        // Numbers that both precisions hold.
        let x = Tensor([n], .bfloat16, values: randomTensor([n], .float64, "x").values)
        backend.add(arguments.given([n], x.values, other), into: y)
        return [y]
      },
      KernelCase("product of \(n)", precision) { backend, arguments in
        let y = arguments.result([n])
        backend.product(arguments.random([n], "a"), arguments.random([n], "b"), into: y)
        return [y]
      },
      KernelCase("dropout of \(n)", precision) { backend, arguments in
        let y = arguments.result([n])
        let mask = DropoutMask(key: 0x1234_5678_9abc_def0, rate: 0.3)
        backend.dropout(mask, arguments.random([n], "x"), into: y)
        return [y]
      },
      KernelCase("sum of \(n) squares", precision) { backend, arguments in
        let sum = backend.sumOfSquares(arguments.random([n], "x", scale: 3), nil)
        return [Tensor([1], .float64, values: [sum])]
      },
    ]
  }

  private static func activation(_ n: Int, _ f: Activation, _ precision: Precision) -> [KernelCase]
  {
    // As the activation leaves it, a few exact zeros among it.
    @Sendable func output(_ arguments: Arguments) -> Tensor {
      let draws = randomTensor([n], .float64, "y").values
      return arguments.given(
        [n], draws.map { f == .identity ? $0 : f == .relu ? max($0, 0) : 0.5 + $0 / 2 })
    }
    return [
      KernelCase("\(f) of \(n)", precision) { backend, arguments in
        let y = arguments.result([n])
        backend.activate(f, arguments.random([n], "x", scale: 20), into: y)
        return [y]
      },
      KernelCase("\(f) gradient of \(n)", precision) { backend, arguments in
        let dx = arguments.result([n])
        backend.activationGradient(
          f, output: output(arguments), arguments.random([n], "dy"), into: dx, accumulating: false)
        return [dx]
      },
      KernelCase("\(f) gradient of \(n), accumulating", precision) { backend, arguments in
        let dx = arguments.random([n], "dx")
        backend.activationGradient(
          f, output: output(arguments), arguments.random([n], "dy"), into: dx, accumulating: true)
        return [dx]
      },
      KernelCase("\(f) gradient of \(n), in place", precision) { backend, arguments in
        let dx = arguments.random([n], "dy")
        backend.activationGradient(f, output: output(arguments), dx, into: dx, accumulating: false)
        return [dx]
      },
    ]
  }

  static let optimiser: [KernelCase] =
    [1, 17, 4097, 20_001].flatMap { n in
      [1, 2, 1000].map { step in
        KernelCase("AdamW step \(step) of \(n)") { backend, arguments in
          var rates = AdamWStep(learningRate: 0.01, step: step, averageDecay: 0.99)
          rates.weightDecay = 0.1
          rates.gradientScale = 0.7
          let weights = arguments.random([n], "weights")
          let first = arguments.random([n], "first")
          let second = arguments.given(
            [n], randomTensor([n], .float64, "second").values.map { $0 * $0 })
          let average = arguments.random([n], "average")
          backend.adamW(
            rates, weights: weights, gradient: arguments.random([n], "gradient"), first: first,
            second: second, average: average, copy: nil, nil)
          return [weights, first, second, average]
        }
      }
    } + [
      KernelCase("AdamW that leaves the average alone") { backend, arguments in
        let names = ["weights", "gradient", "first", "average"]
        let all = names.map { arguments.random([4097], $0) }
        let second = arguments.given([4097], [Double](repeating: 0.3, count: 4097))
        let copy = arguments.random([4097], "copy", .bfloat16)
        backend.adamW(
          AdamWStep(learningRate: 0.01, step: 5, averageDecay: 1), weights: all[0],
          gradient: all[1], first: all[2], second: second, average: all[3], copy: copy, nil)
        return [all[0], all[2], second, all[3], copy]
      }
    ]

  /// One matrix beside another of other sides, wide, tall and masked.
  static let muon: [KernelCase] = [[64, 32, 2, 3], [32, 32], [100, 7], [3, 150], [1, 5]].map {
    sides in
    KernelCase("Muon of \(sides)") { backend, arguments in
      func matrix(_ shape: Shape, _ name: String, mask: Tensor? = nil) -> MuonMatrix {
        MuonMatrix(
          weights: arguments.random(shape, "weights \(name)"),
          gradient: arguments.random(shape, "gradient \(name)"),
          momentum: arguments.random(shape, "momentum \(name)"),
          average: arguments.random(shape, "average \(name)"), mask: mask)
      }
      let shape = Shape(sides)
      let mask = arguments.given(shape, (0..<shape.count).map { $0 % 3 == 0 ? 0 : 1 })
      let matrices = [
        matrix(shape, "plain"), matrix([17, 80], "other"),
        matrix(shape, "masked", mask: mask),
      ]
      var step = MuonStep(learningRate: 0.1, averageDecay: 0.9)
      step.weightDecay = 0.3
      backend.muon(step, matrices)
      return matrices.flatMap { [$0.weights, $0.momentum, $0.average] }
    }
  }
}
