import Foundation
import Randomness

extension Scorer {
  /// What tells all that this scorer's rows rest on from others: weights, precision, scores and normal
  /// images. In hexadecimal.
  public var fingerprint: String {
    var hash = Fingerprint()
    let words = [trained.weightsFingerprint, trained.context.precision.rawValue] + scoreNames
    for word in words + [further.other?.weightsFingerprint].compactMap(\.self) { hash.fold(word) }
    if orders > 1 { hash.fold("\(orders) orders") }
    if let calibration {
      for (name, values) in calibration.scores.sorted(by: { $0.key < $1.key }) {
        hash.fold(name)
        for value in values { hash.fold(value.bitPattern) }
      }
      for name in calibration.vectors?.scores ?? [] { hash.fold(name) }
      for group in calibration.vectors?.groups ?? [] { hash.fold(UInt64(group)) }
      for value in (calibration.vectors?.values ?? []).joined() { hash.fold(value.bitPattern) }
    }
    return String(hash.bits, radix: 16)
  }
}

extension Experts {
  /// What tells all that a verdict rests on from others, in hexadecimal.
  public var fingerprint: String {
    var hash = Fingerprint()
    hash.fold(calibration.weights)
    for held in calibration.held {
      hash.fold(held.name)
      hash.fold(held.surprisePeak.bitPattern)
      hash.fold(held.entropyPeak.bitPattern)
      hash.fold((held.excessPeak ?? 0).bitPattern)
    }
    for found in calibration.folds.joined() {
      for value in [found.plus, found.minus, found.inside] { hash.fold(value.bitPattern) }
    }
    return String(hash.bits, radix: 16)
  }
}

extension Fingerprint {
  /// Folds a text and its length.
  fileprivate mutating func fold(_ text: String) {
    fold(UInt64(text.utf8.count))
    for byte in text.utf8 { fold(UInt64(byte)) }
  }
}
