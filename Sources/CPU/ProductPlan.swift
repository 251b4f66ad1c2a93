import COneDNN
import Tensors

/// What distinguishes one matrix product from another.
struct ProductKey: Hashable {
  let rows: Int
  let inner: Int
  let columns: Int
  let transposedA: Bool
  let transposedB: Bool
  let bias: Bool
  let activation: Activation
  /// Elements from a row to the next, of the matrices as they lie in memory.
  let strideA: Int
  let strideB: Int
  let strideC: Int
  let precision: Precision
  let output: Precision
}

/// The primitive of c = f(op(a) · op(b) + bias).
func productPrimitive(_ key: ProductKey) -> Primitive {
  func matrix(_ rows: Int, _ columns: Int, transposed: Bool, stride: Int) -> dnnl_memory_desc_t {
    descriptor(
      [rows, columns], key.precision, .strided(transposed ? [1, stride] : [stride, 1]))
  }
  var a = matrix(key.rows, key.inner, transposed: key.transposedA, stride: key.strideA)
  var b = matrix(key.inner, key.columns, transposed: key.transposedB, stride: key.strideB)
  var bias = descriptor([1, key.columns], .float32, .dense)
  var c = descriptor([key.rows, key.columns], key.output, .strided([key.strideC, 1]))
  var operation = dnnl_matmul_desc_t()
  if key.bias {
    require(dnnl_matmul_desc_init(&operation, &a, &b, &bias, &c), "dnnl_matmul_desc_init")
  } else {
    require(dnnl_matmul_desc_init(&operation, &a, &b, nil, &c), "dnnl_matmul_desc_init")
  }
  return Primitive(
    describe(&operation, attributes(key.activation)),
    arguments: [(DNNL_ARG_SRC, a), (DNNL_ARG_WEIGHTS, b)]
      + (key.bias ? [(DNNL_ARG_BIAS, bias)] : []) + [(DNNL_ARG_DST, c)])
}
