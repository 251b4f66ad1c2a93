/// What can be wrong with scores and calibrations that come from outside; each description is one
/// line.
public enum DetectionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A false-alarm rate smaller than the normal images can resolve.
  case tooFewNormalImages(falseAlarmRate: Double, needed: Int, found: Int)
  case falseAlarmRateOutOfRange(Double)
  /// A score came out as NaN; `where` says for which images.
  case notANumber(score: String, where: String)
  /// Not one image of a data set has a finite likelihood; the text names the data.
  case nothingFinite(String)
  case unequalCounts(score: String, expected: Int, found: Int)
  /// There is nothing to compute from; the text says what is missing.
  case missing(String)
  case unknownScore(String, known: [String])
  /// A calibration that was made with other weights than those of the run it lies in.
  case otherWeights(path: String)
  /// A calibration whose scores were computed in another precision.
  case otherPrecision(path: String, expected: String, found: String)
  case unreadable(path: String, reason: String)
  /// A calibration of scores that this run has no longer.
  case otherScores(path: String, missing: String)
  /// A name that is none of the scores that take passes of their own.
  case unknownFurther(String, known: [String])
  /// A score that this run, or images of its size, cannot have.
  case notOfRun(score: String, run: String)
  /// A run to compare by that is over other images.
  case otherImages(expected: String, found: String, run: String)
  /// Groups of images by something that is no regular expression.
  case badGroups(String)

  public var description: String {
    switch self {
    case .tooFewNormalImages(let rate, let needed, let found):
      "a false-alarm rate of \(rate) needs at least \(needed) held-out normal images, found \(found)"
    case .falseAlarmRateOutOfRange(let rate):
      "a false-alarm rate must lie between 0 and 1, both excluded, found \(rate)"
    case .notANumber(let score, let place):
      "score \(score) must be a number, found NaN in \(place)"
    case .nothingFinite(let data):
      "\(data): expected finite likelihoods, found none; the weights of the run are beyond all measure"
    case .unequalCounts(let score, let expected, let found):
      "score \(score) must have one value for each of \(expected) images, found \(found)"
    case .missing(let what):
      "expected at least one \(what), found none"
    case .unknownScore(let name, let known):
      "the calibration has no score \(name), expected one of \(known.joined(separator: ", "))"
    case .otherWeights(let path):
      "\(path): expected scores by the weights of this run, found those of others; calibrate it again"
    case .otherPrecision(let path, let expected, let found):
      "\(path): expected scores computed in \(expected), found \(found); use --precision \(found), or"
        + " calibrate it again"
    case .unreadable(let path, let reason):
      "\(path): not a calibration: \(reason)"
    case .otherScores(let path, let missing):
      "\(path): expected scores that the run has, found \(missing); calibrate it again"
    case .unknownFurther(let name, let known):
      "expected one of \(known.joined(separator: ", ")), found \(name)"
    case .notOfRun(let score, let run):
      "\(run): expected a run that can have the score \(score), found one of another kind or size"
    case .otherImages(let expected, let found, let run):
      "\(run): expected a run over the same images, \(expected), found \(found)"
    case .badGroups(let text):
      "expected groups by folder or by a regular expression, found \(text)"
    }
  }
}
