import Foundation
import Randomness
import Testing
import Training

@Suite struct TemperatureTests {
  /// Labels drawn by the softmax of logits, which a network then tells three times too surely.
  private func told(_ factor: Double, images: Int = 2_000) -> ClassificationSummary {
    var random = RandomStream(seed: 2, "labels")
    var (logits, labels): ([[Double]], [Int]) = ([], [])
    for _ in 0..<images {
      let own = (0..<4).map { _ in 2 * random.normal() }
      let total = own.reduce(0) { $0 + exp($1) }
      var left = random.uniform() * total
      labels.append(
        own.firstIndex { logit in
          left -= exp(logit)
          return left < 0
        } ?? 3)
      logits.append(own.map { factor * $0 })
    }
    return ClassificationSummary(logJoint: logits, labels: labels, dimension: 1)
  }

  @Test("the best temperature is how much too sure the logits are", arguments: [0.5, 1, 3])
  func temperature(_ factor: Double) {
    let found = told(factor)
    let best = found.bestTemperature
    #expect(abs(best / factor - 1) < 0.1, "\(best)")
    for other in [0.7 * best, 1.4 * best] {
      #expect(found.logLoss(temperature: best) < found.logLoss(temperature: other))
    }
    #expect(abs(found.logLoss(temperature: 1) - found.logLoss.value) < 1e-12)
  }

  @Test("calibrated by it, the error of calibration falls to nothing")
  func calibration() {
    let sure = told(3)
    let temperature = sure.bestTemperature
    let scaled = ClassificationSummary(
      logJoint: sure.logJoint.map { $0.map { $0 / temperature } }, labels: sure.labels,
      dimension: 1)
    #expect(sure.calibrationError > 0.1 && scaled.calibrationError < 0.05)
  }

  @Test("where all few images are told right it stays within bounds")
  func separable() {
    let found = ClassificationSummary(
      logJoint: [[3, 0], [0, 2]], labels: [0, 1], dimension: 1)
    #expect(abs(found.bestTemperature - 0.25) < 1e-3)
  }
}
