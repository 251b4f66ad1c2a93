import Foundation

/// A stream of random numbers that is named by what it is for.
///
/// Two streams with different keys are independent, and a stream's draws depend on nothing but its
/// key: adding a layer, a thread or an epoch elsewhere changes no draw here, and a resumed run
/// makes the same draws as a run never interrupted.
///
/// ```swift
/// var stream = RandomStream(seed: 1, "binarize", epoch, imageIndex)
/// let u = stream.uniform()
/// ```
///
/// The generator is xoshiro256** (Blackman and Vigna 2018, doi:10.1145/3460772), its state filled by
/// SplitMix64 from a 64-bit hash of the key.
public struct RandomStream: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// A stream for one purpose.
  /// - Parameters:
  ///   - seed: the run's seed.
  ///   - purpose: what the draws are for, for example a parameter's path.
  ///   - indices: further keys: epoch, step, image.
  public init(seed: UInt64, _ purpose: String, _ indices: Int...) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func absorb(_ word: UInt64) {
      hash = splitMix(hash ^ word)
    }
    absorb(seed)
    for byte in purpose.utf8 { absorb(UInt64(byte)) }
    for index in indices { absorb(UInt64(bitPattern: Int64(index)) &+ 0x1_0000_0000) }
    func next() -> UInt64 {
      hash &+= 0x9e37_79b9_7f4a_7c15
      return splitMix(hash)
    }
    state = (next(), next(), next(), next())
  }

  /// 64 random bits.
  public mutating func next() -> UInt64 {
    func rotated(_ x: UInt64, _ k: UInt64) -> UInt64 { (x << k) | (x >> (64 &- k)) }
    let result = rotated(state.1 &* 5, 7) &* 9
    let t = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= t
    state.3 = rotated(state.3, 45)
    return result
  }

  /// A number in 0 ≤ u < 1 with 53 random bits.
  public mutating func uniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A whole number in 0 ..< `bound`, without bias (Lemire 2019, doi:10.1145/3230636, algorithm 5).
  public mutating func integer(below bound: Int) -> Int {
    let bound = UInt64(bound)
    var product = next().multipliedFullWidth(by: bound)
    if product.low < bound {
      let least = (0 &- bound) % bound
      while product.low < least { product = next().multipliedFullWidth(by: bound) }
    }
    return Int(product.high)
  }

  /// A draw from the standard normal distribution (Box and Muller 1958).
  public mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }

  /// A permutation of 0 ..< `count` (Fisher and Yates, from the front): its draws are written here, so
  /// that no other library's version can change the order of an epoch.
  public mutating func permutation(of count: Int) -> [Int] {
    var result = Array(0..<count)
    for i in result.indices {
      result.swapAt(i, i + integer(below: count - i))
    }
    return result
  }
}

/// Streams side by side, of each of which as much is drawn.
public struct RandomStreams: Sendable {
  private var streams: [RandomStream]

  public init(_ streams: [RandomStream]) { self.streams = streams }

  /// The next `uniform` of each.
  public mutating func uniforms() -> [Double] {
    streams.withUnsafeMutableBufferPointer { streams in
      [Double](unsafeUninitializedCapacity: streams.count) { uniforms, count in
        for index in streams.indices { uniforms[index] = streams[index].uniform() }
        count = streams.count
      }
    }
  }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195).
private func splitMix(_ word: UInt64) -> UInt64 {
  var z = word &+ 0x9e37_79b9_7f4a_7c15
  z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
  z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
  return z ^ (z >> 31)
}
