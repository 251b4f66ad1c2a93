import Tensors

/// What a model says of an image's sub-pixels that it was not told, weighted so that the sum of its
/// log-probabilities is, in the mean over what it is told, that of the image (Uria, Murray and Larochelle
/// 2014, arXiv:1310.1757, equation 9): a training objective, and no distribution of images.
public struct SplitConditionals: PixelDistribution {
  public let conditionals: any PixelDistribution
  /// `[N, D]`: zero at what was told.
  let weights: Tensor

  public init(_ conditionals: any PixelDistribution, weights: Tensor) {
    (self.conditionals, self.weights) = (conditionals, weights)
  }

  public func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    context.masked(conditionals.logProbability(of: symbols, in: context), by: weights)
  }

  public func probabilities(image: Int, subpixel: Int, given: ArraySlice<UInt8>) -> [Double] {
    conditionals.probabilities(image: image, subpixel: subpixel, given: given)
  }

  public func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], in context: Context
  ) -> [UInt8]? {
    conditionals.draw(subpixel: subpixel, given: given, uniforms, in: context)
  }
}
