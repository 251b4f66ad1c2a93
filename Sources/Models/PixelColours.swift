import Heads
import Images
import Layers
import Tensors

/// The end of a network that knows whole pixels alone, where the head tells the channels of a pixel one
/// after the other: features of the earlier pixels meet the channels of their own that are known.
///
///     a = 1×1 features → 2h  +  1×1 mask A image → 2h
///     ReLU, 1×1 mask B → 2h, ReLU, 1×1 mask B → outputs
///
/// With one step a pixel there is no image in it, and no mask.
struct PixelColours {
  let features: CausalConvolution
  /// nil where a pixel is told at once.
  let own: ImageConvolution?
  let mix: CausalConvolution
  let classes: ClassBias?
  let output: CausalConvolution

  init(_ image: ImageShape, _ head: Head, channels h: Int, at scope: Scope) {
    let colours = head.steps(channels: image.channels)
    func pointwise(
      _ inputs: Int, _ outputs: Int, colours: Int, gain: Double = 1, _ name: String
    ) -> CausalConvolution {
      CausalConvolution(
        inputs, outputs, size: 1, centre: .included, colours: colours, gain: gain,
        at: scope / name)
    }
    features = pointwise(h, 2 * h, colours: 1, "features")
    own =
      colours == 1
      ? nil
      : ImageConvolution(
        channels: image.channels, 2 * h, size: 1, colours: colours,
        planes: scope.coordinates(image, 0), at: scope / "own")
    mix = pointwise(2 * h, 2 * h, colours: colours, "mix")
    classes = ClassBias(2 * h, at: scope / "mix")
    output = pointwise(
      2 * h, head.outputsOfPixel(channels: image.channels), colours: colours, gain: 0.1, "output")
  }

  /// The outputs `[N, H, W, steps K]` of features `[N, H, W, h]`, which the body gives once a pixel.
  func callAsFunction(
    _ batch: PixelBatch, in context: Context, of body: () -> Variable
  ) -> Variable {
    let known = own.map { context.convolve(batch, $0) }
    var a = context.onceAPixel(features.weight) {
      features(body(), rectified: true, in: context)
    }
    if let known { a = context.sum(a, known) }
    let mixed = context.biased(
      mix(a, rectified: true, in: context), by: classes, of: batch.labels)
    return output(mixed, rectified: true, precision: context.wide, in: context)
  }

  var weights: [Parameter] {
    [features.weight, mix.weight, output.weight] + (own.map { [$0.convolution.weight] } ?? [])
  }
}
