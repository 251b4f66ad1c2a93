import CKernels
import COneDNN
import Tensors

/// What distinguishes one convolution call from another.
struct ConvolutionKey: Hashable {
  enum Kind: Hashable {
    case forward(accumulating: Bool, output: Precision)
    case inputGradient
    case weightGradient
  }
  let kind: Kind
  /// `[N, H, W, I]`.
  let input: Shape
  /// Channels of the output.
  let outputs: Int
  let geometry: ConvolutionGeometry
  let precision: Precision
}

/// A compiled convolution with the copies that bring weights from `[O, I, kh, kw]` float32 to the
/// layout and precision that oneDNN computes in, and back.
final class ConvolutionPlan {
  let convolution: Primitive
  private let weightsIn: Primitive?
  private let weightsOut: Primitive?
  private let scratch: Tensor

  init(_ key: ConvolutionKey) {
    let (n, h, w, i) = (key.input[0], key.input[1], key.input[2], key.input[3])
    let geometry = key.geometry
    let sides = [key.outputs, i, geometry.height, geometry.width]
    var source = descriptor([n, i, h, w], key.precision, .images)
    var weights = descriptor(sides, key.precision, .any)
    var bias = descriptor([key.outputs], .float32, .dense)
    var result = descriptor([n, key.outputs, h, w], key.precision, .images)
    if case .forward(_, let precision) = key.kind {
      result = descriptor([n, key.outputs, h, w], precision, .images)
    }
    let strides: [Int64] = [1, 1]
    let before = [Int64(geometry.top), Int64(geometry.left)]
    let after = [Int64(geometry.bottom), Int64(geometry.right)]

    func forward(accumulating: Bool) -> dnnl_primitive_desc_t {
      var operation = dnnl_convolution_desc_t()
      require(
        dnnl_convolution_forward_desc_init(
          &operation, dnnl_forward_training, dnnl_convolution_direct, &source, &weights, &bias,
          &result, strides, before, after), "dnnl_convolution_forward_desc_init")
      return describe(&operation, attributes(accumulating: accumulating))
    }
    func chosenWeights(_ description: dnnl_primitive_desc_t, _ query: dnnl_query_t)
      -> dnnl_memory_desc_t
    {
      dnnl_primitive_desc_query_md(description, query, 0).pointee
    }

    let plain = descriptor(sides, .float32, .dense)
    func reorder(from source: dnnl_memory_desc_t, to target: dnnl_memory_desc_t) -> Primitive? {
      onOneThread { CPU.reorder(from: source, to: target) }
    }
    let chosen: dnnl_memory_desc_t
    switch key.kind {
    case .forward(let accumulating, _):
      let description = forward(accumulating: accumulating)
      chosen = chosenWeights(description, dnnl_query_weights_md)
      weightsIn = reorder(from: plain, to: chosen)
      weightsOut = nil
      convolution = Primitive(
        description,
        arguments: [
          (DNNL_ARG_SRC, source), (DNNL_ARG_WEIGHTS, chosen), (DNNL_ARG_BIAS, bias),
          (DNNL_ARG_DST, result),
        ])
    case .inputGradient:
      let hint = forward(accumulating: false)
      var operation = dnnl_convolution_desc_t()
      require(
        dnnl_convolution_backward_data_desc_init(
          &operation, dnnl_convolution_direct, &source, &weights, &result, strides, before, after),
        "dnnl_convolution_backward_data_desc_init")
      let description = describe(&operation, hint: hint)
      dnnl_primitive_desc_destroy(hint)
      chosen = chosenWeights(description, dnnl_query_weights_md)
      weightsIn = reorder(from: plain, to: chosen)
      weightsOut = nil
      convolution = Primitive(
        description,
        arguments: [
          (DNNL_ARG_DIFF_DST, result), (DNNL_ARG_WEIGHTS, chosen), (DNNL_ARG_DIFF_SRC, source),
        ])
    case .weightGradient:
      let hint = forward(accumulating: false)
      var gradient = descriptor(sides, .float32, .any)
      var operation = dnnl_convolution_desc_t()
      require(
        dnnl_convolution_backward_weights_desc_init(
          &operation, dnnl_convolution_direct, &source, &gradient, &bias, &result, strides,
          before, after), "dnnl_convolution_backward_weights_desc_init")
      let description = describe(&operation, hint: hint)
      dnnl_primitive_desc_destroy(hint)
      chosen = chosenWeights(description, dnnl_query_diff_weights_md)
      weightsIn = nil
      weightsOut = reorder(from: chosen, to: plain)
      convolution = Primitive(
        description,
        arguments: [
          (DNNL_ARG_SRC, source), (DNNL_ARG_DIFF_DST, result), (DNNL_ARG_DIFF_WEIGHTS, chosen),
          (DNNL_ARG_DIFF_BIAS, bias),
        ])
    }
    // Padded channels of a blocked layout make it larger than the weights.
    scratch = Tensor([(byteCount(chosen) + 3) / 4], .float32)
  }

  /// Weights in the layout of the primitive.
  func prepared(_ weights: Tensor) -> Tensor {
    guard let weightsIn else { return weights }
    onOneThread { weightsIn.run(weights, scratch) }
    return scratch
  }

  /// Runs a weight gradient and leaves it as `[O, I, kh, kw]`.
  func runWeightGradient(_ x: Tensor, _ dy: Tensor, into dw: Tensor, bias dbias: Tensor) {
    convolution.run(x, dy, weightsOut == nil ? dw : scratch, dbias)
    onOneThread { weightsOut?.run(scratch, dw) }
  }
}

/// Runs something too small to be worth waking the other threads for.
private func onOneThread<Result>(_ body: () -> Result) -> Result {
  let threads = sl_threads()
  sl_set_threads(1)
  defer { sl_set_threads(threads) }
  return body()
}
