import ArgumentParser
import Attacks
import Foundation
import Jobs

/// What `attack` found; also what `--json` prints.
struct AttackResult: Encodable {
  let run: String
  let method: String
  /// Of 255; null of a method that looks for the smallest move.
  let epsilon: OrNull
  let images: Int
  let accuracy: Double
  let accuracyAfter: Double
  /// Medians over the images that were told right before and are not after.
  let largestMove: OrNull
  let length: OrNull
  let seconds: Double
  let out: String

  init(
    _ outcome: AttackJob.Outcome, _ method: AttackMethod, epsilon: Double, run: String,
    out: String
  ) {
    (self.run, self.method, self.out) = (run, method.rawValue, out)
    self.epsilon = OrNull(method.findsSmallest ? nil : epsilon)
    (images, seconds) = (outcome.images.count, outcome.seconds)
    (accuracy, accuracyAfter) = (outcome.accuracy, outcome.accuracyAfter)
    let fooled = outcome.images.filter { $0.told == $0.label && $0.toldAfter != $0.label }
    func median(_ values: [Double]) -> OrNull {
      OrNull(values.isEmpty ? nil : values.sorted()[values.count / 2])
    }
    largestMove = median(fooled.map { Double($0.largest) })
    length = median(fooled.map(\.length))
  }

  var text: String {
    let size =
      length.value.map { length in
        ", moved by \(significant(length)) in L2 and by \(Int(largestMove.value ?? 0)) of 255 at most"
          + " (medians of those that fool it)"
      } ?? ""
    return "\(counted(images, "image")) by \(method): accuracy \(fixed(accuracy, 4)) before,"
      + " \(fixed(accuracyAfter, 4)) after\(size); see \(out)"
  }
}

extension AttackMethod: ExpressibleByArgument {
  /// A line for each.
  static var list: String {
    allCases.map { method in
      "  \(method.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0))\(method.summary)"
    }.joined(separator: "\n")
  }
}
