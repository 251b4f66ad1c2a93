import Randomness

extension DataSet {
  /// This data set in two: training and validation.
  ///
  /// An image's side depends on nothing but its intensities and the seed. So it stays where it is
  /// when files are renamed, reordered or added, and two copies of one image are never on different
  /// sides, where the validation would measure memory. The fraction is met on average.
  ///
  /// Both sides have at least one image where there are two or more. Only if all of them are copies
  /// of one image is a copy on each side.
  public func split(
    validationFraction: Double = 0.1, seed: UInt64 = 0
  ) -> (training: DataSet, validation: DataSet) {
    precondition(
      (0...1).contains(validationFraction), "a fraction is 0 ... 1, found \(validationFraction)")
    let hashes = fingerprints.map { fingerprint in
      var stream = RandomStream(seed: seed, "split", Int(truncatingIfNeeded: fingerprint))
      return stream.next()
    }
    let bound = validationFraction * 0x1p64
    var isValidation = hashes.map { Double($0) < bound }
    if count >= 2, let least = hashes.min(), let most = hashes.max() {
      if !isValidation.contains(true) { isValidation = hashes.map { $0 == least } }
      if !isValidation.contains(false) { isValidation = hashes.map { $0 != most } }
      if least == most { isValidation = hashes.indices.map { $0 == 0 } }
    }
    return (
      self[(0..<count).filter { !isValidation[$0] }], self[(0..<count).filter { isValidation[$0] }]
    )
  }

  /// 64 bits of each image by which it is known again: of its intensities and their number, whatever
  /// its name, its file's format and its place.
  public var fingerprints: [UInt64] {
    let dimension = dimension
    return [UInt64](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      nonisolated(unsafe) let output = buffer  // each index writes its own part
      pixels.withUnsafeBytes { bytes in
        nonisolated(unsafe) let bytes = bytes
        inParallel(count, piece: 64) { index in
          var hash = Fingerprint(start: UInt64(dimension))
          hash.fold(
            UnsafeRawBufferPointer(rebasing: bytes[index * dimension..<(index + 1) * dimension]))
          output[index] = hash.bits
        }
      }
      initializedCount = count
    }
  }
}

/// The order in which an epoch of training visits the images.
public enum EpochOrder {
  /// A permutation of 0 ..< `count`, the same for the same seed and epoch.
  public static func indices(count: Int, seed: UInt64, epoch: Int) -> [Int] {
    var stream = RandomStream(seed: seed, "order", epoch)
    return stream.permutation(of: count)
  }
}
