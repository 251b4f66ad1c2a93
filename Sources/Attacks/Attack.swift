/// Moves images so that a classifier takes them for what they are not.
///
/// ```swift
/// let attack = GradientAttack.pgd(.box(8 / 255), steps: 40)
/// let moved = attack.moved(
///   images, labels, numbers: 0..<images.count, by: victim, seed: 1) { _ in true }
/// ```
///
/// Images are intensities 0…1; what comes back need be on no level of eight bits, but the attacks that look
/// for the smallest move have seen to it that rounding does not undo it.
public protocol Attack {
  /// - Parameters:
  ///   - labels: what the images are.
  ///   - numbers: of the images in their data set, which key their draws.
  ///   - progress: called as images are done, with how many; answers whether to go on.
  /// - Returns: nil where it was stopped.
  func moved(
    _ images: [[Float]], _ labels: [Int], numbers: Range<Int>, by victim: Victim, seed: UInt64,
    progress: (_ images: Double) -> Bool
  ) -> [[Float]]?
}

/// Intensities on the nearest levels of eight bits, 0…1.
func rounded(_ image: [Float]) -> [Float] { image.map { (255 * $0).rounded() / 255 } }

/// x + y, elementwise, kept in 0…1.
func added(_ x: [Float], _ y: [Float]) -> [Float] {
  zip(x, y).map { min(1, max(0, $0 + $1)) }
}

func norm(_ x: some Sequence<Float>) -> Float {
  x.reduce(0) { $0 + $1 * $1 }.squareRoot()
}
