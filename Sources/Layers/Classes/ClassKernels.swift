import Tensors

/// The arithmetic of a bias that every image has for itself.
///
/// A backend that has this kernel conforms; for any other the reference computes it, which is counted.
public protocol ClassKernels {
  /// y = x + bias, both `[rows, C]` in all: row r gets that of image (r / each) % N of bias `[N, C]`,
  /// which is wide.
  func addBias(_ bias: Tensor, each: Int, to x: Tensor, into y: Tensor)
}

extension ReferenceBackend: ClassKernels {
  public func addBias(_ bias: Tensor, each: Int, to x: Tensor, into y: Tensor) {
    let (images, width, addends) = (bias.shape[0], bias.shape[1], bias.values)
    y.write(
      x.values.enumerated().map { i, value in
        value + addends[i / width / each % images * width + i % width]
      })
  }
}

extension Context {
  var classKernels: any ClassKernels { backend as? any ClassKernels ?? backend.fallBack("bias") }
}
