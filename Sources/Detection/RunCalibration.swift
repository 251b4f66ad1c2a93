import Foundation
import Images
import Training

extension TrainedModel {
  /// The calibration of the run, nil where it has none.
  ///
  /// Throws where the file is damaged, or was made with other weights: by another run, or before
  /// this one was trained on. Its ranks would mean nothing.
  public func calibration() throws(DetectionError) -> Calibration? {
    let path = run.calibrationFile
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let calibration = try Calibration(contentsOf: path)
    guard calibration.weights == weightsFingerprint else { throw .otherWeights(path: path) }
    return calibration
  }

  /// 64 bits that tell these weights, and the symbols they are for, from others, in hexadecimal.
  public var weightsFingerprint: String {
    var hash: UInt64 = 0
    func fold(_ word: UInt64) {
      hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
      hash ^= hash >> 32
    }
    for byte in configuration.pixels.rawValue.utf8 { fold(UInt64(byte)) }
    for parameter in parameters {
      for value in parameter.value.floats { fold(UInt64(value.bitPattern)) }
    }
    return String(hash, radix: 16)
  }
}
