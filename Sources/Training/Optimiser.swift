import Foundation
import Tensors

/// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) with clipping by the global norm, or Muon for
/// the kernels of convolutions (Jordan et al. 2024) and AdamW for the rest; and the moving average of the
/// weights in the same pass.
final class Optimiser {
  /// One parameter and its state.
  struct Entry {
    let parameter: Parameter
    let first: Tensor
    let second: Tensor
    /// The average, which is the value of the same parameter of the averaged model.
    let average: Tensor
    /// Whether Muon moves it; its second moment then stays zero.
    let isMatrix: Bool
  }

  let entries: [Entry]
  private(set) var step = 0
  /// The step at which the moments began anew.
  private var origin = 0
  /// The step at which the average did.
  private var averageOrigin = 0
  /// Matrices in bfloat16, kept current with each step where the activations have that precision:
  /// converting them would read all weights once more.
  private(set) var copies: [ObjectIdentifier: Tensor] = [:]
  private let precision: Precision

  /// - Parameters:
  ///   - averaged: the parameters of a second model, a copy of the first; their values become the
  ///     moving average.
  ///   - precision: that of the activations.
  ///   - output: the bias of the last layer, which AdamW moves as a whole.
  init(
    _ parameters: [Parameter], averaged: [Parameter], precision: Precision,
    by name: OptimiserName = .adamw, output: Parameter? = nil
  ) {
    let last = output.map { $0.name.replacing(/bias$/, with: "weight") }
    self.precision = precision
    entries = zip(parameters, averaged).map { parameter, averaged in
      precondition(parameter.name == averaged.name, "the two models differ")
      return Entry(
        parameter: parameter, first: .zeros(parameter.shape), second: .zeros(parameter.shape),
        average: averaged.value,
        isMatrix: name == .muon && parameter.decays && parameter.shape.rank == 4
          && parameter.name != last)
    }
  }

  /// Takes up the count of steps of a checkpoint, whose moments began at `origin`.
  func resume(at step: Int, since origin: Int, averageSince averageOrigin: Int) {
    self.step = step
    self.origin = origin
    self.averageOrigin = averageOrigin
  }

  /// Begins the average anew, at the weights as they are.
  func averageAnew() {
    for entry in entries { entry.average.copy(from: entry.parameter.value) }
    averageOrigin = step
  }

  /// One step along the gradients.
  /// - Parameter limit: the largest norm; longer gradients are shortened to it.
  /// - Returns: the norm before clipping; where it is not finite nothing is changed.
  func update(
    _ gradients: Gradients, learningRate: Double, options: TrainingOptions, limit: Double,
    backend: any Backend
  ) -> Double {
    let all = entries.map { gradients.live($0.parameter) }
    let squares = zip(entries, all).map { entry, gradient in
      gradient.map { backend.sumOfSquares($0, entry.parameter.staircase) } ?? 0
    }
    let norm = squares.reduce(0, +).squareRoot()
    guard norm.isFinite else { return norm }
    step += 1
    var rates = AdamWStep(
      learningRate: learningRate, step: step - origin,
      averageDecay: averageDecay(options.averageDecay))
    makeCopies(backend)
    rates.gradientScale = min(1, limit / max(norm, 1e-300))
    var matrices: [MuonMatrix] = []
    for (entry, gradient) in zip(entries, all) {
      guard let gradient else { continue }
      if entry.isMatrix {
        matrices.append(
          MuonMatrix(
            weights: entry.parameter.value, gradient: gradient, momentum: entry.first,
            average: entry.average, mask: entry.parameter.mask))
        continue
      }
      rates.weightDecay = entry.parameter.decays ? options.weightDecay : 0
      backend.adamW(
        rates, weights: entry.parameter.value, gradient: gradient, first: entry.first,
        second: entry.second, average: entry.average,
        copy: copies[ObjectIdentifier(entry.parameter)], entry.parameter.staircase)
    }
    if !matrices.isEmpty {
      var step = MuonStep(learningRate: learningRate, averageDecay: rates.averageDecay)
      step.weightDecay = options.weightDecay
      backend.muon(step, matrices)
    }
    return norm
  }

  /// What the average keeps of itself at this step. Once it reaches over more than four steps it takes
  /// the weights of every fourth only, as much of them as of four: in between they hardly move, and
  /// the average is a quarter of what a step writes.
  private func averageDecay(_ asked: Double) -> Double {
    // Young averages forget the first weights quickly.
    let step = step - averageOrigin
    let decay = min(asked, Double(1 + step) / Double(10 + step))
    if decay <= 0.75 { return decay }
    return step.isMultiple(of: 4) ? pow(decay, 4) : 1
  }

  /// Before the first step, as others may have changed the weights until then.
  private func makeCopies(_ backend: any Backend) {
    guard precision == .bfloat16, copies.isEmpty else { return }
    for parameter in entries.map(\.parameter) where parameter.shape.rank == 2 {
      let copy = Tensor(parameter.shape, .bfloat16)
      backend.convert(parameter.value, into: copy)
      copies[ObjectIdentifier(parameter)] = copy
    }
  }
}
