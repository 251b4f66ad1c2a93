import Foundation
import Images
import Randomness
import Training

extension TrainedModel {
  /// The calibration of the run, nil where it has none.
  ///
  /// Throws where the file is damaged, or was made with other weights: by another run, or before
  /// this one was trained on, or in another precision. Its ranks would mean nothing.
  public func calibration() throws(DetectionError) -> Calibration? {
    let path = run.calibrationFile
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let calibration = try Calibration(contentsOf: path)
    guard calibration.weights == weightsFingerprint else { throw .otherWeights(path: path) }
    let precision = context.precision.rawValue
    guard calibration.precision == precision else {
      throw .otherPrecision(path: path, expected: precision, found: calibration.precision)
    }
    return calibration
  }

  /// The fingerprint of these weights and of the symbols that they are for, in hexadecimal.
  public var weightsFingerprint: String {
    var hash = Fingerprint()
    for byte in configuration.pixels.rawValue.utf8 { hash.fold(UInt64(byte)) }
    for parameter in parameters {
      for value in parameter.value.floats { hash.fold(UInt64(value.bitPattern)) }
    }
    return String(hash.bits, radix: 16)
  }
}
