import CKernels
import COneDNN
import Foundation
import Tensors

/// The CPU at speed: matrix products by oneDNN, convolutions by kernels of our own that know causal
/// masks, or by oneDNN where those lack the processor or the channels, and everything pointwise by
/// vectorised kernels; all on one pool of threads. float32 and bfloat16.
///
/// Primitives are compiled once a shape and kept. One computation runs at a time: the pool is one.
///
/// ```swift
/// let backend = CPUBackend.shared
/// backend.threads = 2
/// let context = Context(Engine(backend, .float32))
/// ```
public final class CPUBackend: Backend, @unchecked Sendable {
  public static let shared = CPUBackend()

  public let name = "oneDNN"
  private let lock = NSRecursiveLock()
  private var threadCount = Int(sl_threads())
  private var convolutions: [ConvolutionKey: ConvolutionPlan] = [:]
  private var products: [ProductKey: Primitive] = [:]

  /// Most compiled primitives of a kind that are kept. A model needs some dozens; sides that never
  /// come again must not fill the memory.
  private static let mostPlans = 512

  private init() {}

  /// Threads that kernels run on, 1 ... 1024. Changing it drops the compiled primitives.
  public var threads: Int {
    get { lock.withLock { threadCount } }
    set {
      precondition(
        (1...Int(SL_MOST_THREADS)).contains(newValue),
        "threads must be 1 ... \(SL_MOST_THREADS), found \(newValue)")
      lock.withLock {
        threadCount = newValue
        convolutions.removeAll()
        products.removeAll()
      }
    }
  }

  /// Runs a computation alone, on as many threads as asked for: libgomp keeps the count by calling
  /// thread, and callers may come on any. A worker has its own thread, and all others are busy alike.
  func exclusively<Result>(_ body: () -> Result) -> Result {
    if sl_is_worker() != 0 { return body() }
    return lock.withLock {
      sl_set_threads(Int32(threadCount))
      return body()
    }
  }

  public func concurrently(_ count: Int, _ body: @Sendable (Int) -> Void) {
    exclusively {
      withoutActuallyEscaping(body) { body in
        var body: @Sendable (Int) -> Void = body
        withUnsafeMutablePointer(to: &body) { sl_run_workers(runPart, $0, Int32(count)) }
      }
    }
  }

  /// Whether the processor multiplies bfloat16 natively (AVX-512 BF16 or AMX); elsewhere bfloat16
  /// would be emulated, slower than float32.
  public static var hasBFloat16: Bool {
    let isa = dnnl_get_effective_cpu_isa()
    return isa.rawValue & dnnl_cpu_isa_avx512_core_bf16.rawValue
      == dnnl_cpu_isa_avx512_core_bf16.rawValue
  }

  /// Whether the processor has the vectors that our convolution kernels are written for.
  static let hasAVX512: Bool = {
    let wanted = dnnl_cpu_isa_avx512_core.rawValue
    return dnnl_get_effective_cpu_isa().rawValue & wanted == wanted
  }()

  func plan(_ key: ConvolutionKey) -> ConvolutionPlan {
    if let plan = convolutions[key] { return plan }
    let plan = ConvolutionPlan(key)
    if convolutions.count >= Self.mostPlans { convolutions.removeAll() }
    convolutions[key] = plan
    return plan
  }

  /// The tensor itself, or a copy in the wanted precision.
  func matched(_ x: Tensor, _ precision: Precision) -> Tensor {
    if x.precision == precision { return x }
    let y = Tensor(x.shape, precision)
    convert(x, into: y)
    return y
  }

  // MARK: Linear

  public func matrixProduct(
    _ a: Tensor, transposed aT: Bool, _ b: Tensor, transposed bT: Bool, bias: Tensor?,
    activation: Activation, into c: Tensor
  ) {
    let precision: Precision =
      [a, b, c].contains { $0.precision == .bfloat16 } ? .bfloat16 : .float32
    exclusively {
      matrixProduct(
        MatrixBlock(matched(a, precision)), transposed: aT, MatrixBlock(matched(b, precision)),
        transposed: bT, bias: bias, activation: activation, into: MatrixBlock(c))
    }
  }

  public func matrixProduct(
    _ a: MatrixBlock, transposed aT: Bool, _ b: MatrixBlock, transposed bT: Bool, bias: Tensor?,
    activation: Activation, into c: MatrixBlock
  ) {
    let (rows, inner) = aT ? (a.columns.count, a.rows.count) : (a.rows.count, a.columns.count)
    let (innerOfB, columns) =
      bT ? (b.columns.count, b.rows.count) : (b.rows.count, b.columns.count)
    precondition(
      inner == innerOfB && c.rows.count == rows && c.columns.count == columns
        && a.matrix.precision == b.matrix.precision,
      "cannot multiply \(a.rows.count)x\(a.columns.count) \(a.matrix.precision) and"
        + " \(b.rows.count)x\(b.columns.count) \(b.matrix.precision) into"
        + " \(c.rows.count)x\(c.columns.count)")
    let key = ProductKey(
      rows: rows, inner: inner, columns: columns, transposedA: aT, transposedB: bT,
      bias: bias != nil, activation: activation, strideA: a.matrix.shape[1],
      strideB: b.matrix.shape[1], strideC: c.matrix.shape[1], precision: a.matrix.precision,
      output: c.matrix.precision)
    exclusively {
      let primitive = products[key] ?? productPrimitive(key)
      if products.count >= Self.mostPlans { products.removeAll() }
      products[key] = primitive
      let (a, b) = (a.matrix.dropFirst(a.first), b.matrix.dropFirst(b.first))
      let c = c.matrix.dropFirst(c.first)
      if let bias {
        primitive.run(a, b, bias, c)
      } else {
        primitive.run(a, b, c)
      }
    }
  }

  public func clear(_ x: Tensor, from starts: [Int], to ends: [Int]) {
    requireFit(x.shape, starts, ends)
    exclusively { sl_clear(x.floats.baseAddress, starts, ends, x.shape[0], x.shape[1]) }
  }

  public func sumOfRows(_ x: Tensor, into y: Tensor) {
    exclusively {
      if x.precision == .bfloat16 {
        sl_sum_of_rows_bf16(x.halves, x.count / y.count, y.count, y.floats.baseAddress)
      } else {
        sl_sum_of_rows_f32(
          x.floats.baseAddress, x.count / y.count, y.count, y.floats.baseAddress)
      }
    }
  }

  // MARK: Pointwise

  public func intensities(_ symbols: [UInt8], scale: Double, offset: Double, into y: Tensor) {
    precondition(symbols.count == y.count, "\(symbols.count) symbols do not fill \(y.shape)")
    exclusively {
      if y.precision == .bfloat16 {
        sl_intensities_bf16(symbols, Float(scale), Float(offset), y.halves, y.count)
      } else {
        sl_intensities_f32(symbols, Float(scale), Float(offset), y.floats.baseAddress, y.count)
      }
    }
  }

  public func appendChannels(_ planes: Tensor, to x: Tensor, into y: Tensor) {
    exclusively {
      let planes = matched(planes, x.precision)
      defer { withExtendedLifetime(planes) {} }
      let (images, pixels) = (x.shape[0], x.shape[1] * x.shape[2])
      let (c, p) = (x.shape[3], planes.shape[2])
      if x.precision == .bfloat16 {
        sl_append_channels_bf16(x.halves, planes.halves, y.halves, images, pixels, c, p)
      } else {
        sl_append_channels_f32(
          x.floats.baseAddress, planes.floats.baseAddress, y.floats.baseAddress, images, pixels,
          c, p)
      }
    }
  }

  public func affine(_ x: Tensor, scale: Double, offset: Double, into y: Tensor) {
    requireSame(x.shape, y.shape)
    guard x.precision == .float32, y.precision == .float32 else {
      return fallBack("affine").affine(x, scale: scale, offset: offset, into: y)
    }
    let (x, y, scale, offset) = (x.floats, y.floats, Float(scale), Float(offset))
    for i in x.indices { y[i] = scale * x[i] + offset }
  }

  public func convert(_ x: Tensor, into y: Tensor) {
    requireSame(x.shape, y.shape)
    exclusively {
      switch (x.precision, y.precision) {
      case (.float32, .bfloat16): sl_f32_to_bf16(x.floats.baseAddress, y.halves, x.count)
      case (.bfloat16, .float32): sl_bf16_to_f32(x.halves, y.floats.baseAddress, x.count)
      default: y.copy(from: x)
      }
    }
  }

  public func add(_ x: Tensor, into y: Tensor) {
    requireSame(x.shape, y.shape)
    exclusively {
      let x = matched(x, y.precision)
      // A pointer does not keep its tensor alive.
      defer { withExtendedLifetime(x) {} }
      if y.precision == .bfloat16 {
        sl_add_bf16(x.halves, y.halves, y.count)
      } else {
        sl_add_f32(x.floats.baseAddress, y.floats.baseAddress, y.count)
      }
    }
  }

  public func product(_ a: Tensor, _ b: Tensor, into y: Tensor) {
    requireSame(a.shape, b.shape)
    requireSame(a.shape, y.shape)
    guard [a, b, y].allSatisfy({ $0.precision == .float32 }) else {
      return fallBack("product").product(a, b, into: y)
    }
    exclusively {
      sl_product_f32(
        a.floats.baseAddress, b.floats.baseAddress, y.floats.baseAddress, y.count)
    }
  }

  public func dropout(_ mask: DropoutMask, _ x: Tensor, into y: Tensor) {
    requireSame(x.shape, y.shape)
    guard x.precision == y.precision, x.precision != .float64 else {
      return fallBack("dropout").dropout(mask, x, into: y)
    }
    var kernelMask = sl_dropout(
      key: mask.key, threshold: mask.threshold, scale: Float(mask.scale))
    exclusively {
      if x.precision == .bfloat16 {
        sl_dropout_bf16(&kernelMask, x.halves, y.halves, x.count)
      } else {
        sl_dropout_f32(&kernelMask, x.floats.baseAddress, y.floats.baseAddress, x.count)
      }
    }
  }

  public func activate(_ f: Activation, _ x: Tensor, into y: Tensor) {
    requireSame(x.shape, y.shape)
    exclusively {
      switch (f, x.precision, y.precision) {
      case (.relu, .bfloat16, .bfloat16): sl_relu_bf16(x.halves, y.halves, x.count)
      case (.relu, .float32, .float32):
        sl_relu_f32(x.floats.baseAddress, y.floats.baseAddress, x.count)
      case (.sigmoid, .float32, .float32):
        sl_sigmoid_f32(x.floats.baseAddress, y.floats.baseAddress, x.count)
      default: fallBack("activate").activate(f, x, into: y)
      }
    }
  }

  public func activationGradient(
    _ f: Activation, output y: Tensor, _ dy: Tensor, into dx: Tensor, accumulating: Bool
  ) {
    requireSame(y.shape, dy.shape)
    requireSame(y.shape, dx.shape)
    guard f == .relu, dx.precision == y.precision else {
      return fallBack("activationGradient").activationGradient(
        f, output: y, dy, into: dx, accumulating: accumulating)
    }
    exclusively {
      let gradient = matched(dy, dx.precision)
      defer { withExtendedLifetime(gradient) {} }
      if dx.precision == .bfloat16 {
        sl_relu_gradient_bf16(
          y.halves, gradient.halves, dx.halves, dx.count, accumulating ? 1 : 0)
      } else {
        sl_relu_gradient_f32(
          y.floats.baseAddress, gradient.floats.baseAddress, dx.floats.baseAddress, dx.count,
          accumulating ? 1 : 0)
      }
    }
  }

  public func sumOfSquares(_ x: Tensor, _ staircase: Staircase?) -> Double {
    guard x.precision == .float32 else {
      return fallBack("sumOfSquares").sumOfSquares(x, staircase)
    }
    return exclusively {
      withBlocks(x.count, staircase) { sl_sum_of_squares_f32(x.floats.baseAddress, $0) }
    }
  }

  // MARK: Log-probabilities

  public func bernoulliLogProbability(_ logits: Tensor, _ symbols: [UInt8], into y: Tensor) {
    exclusively {
      sl_bernoulli_log_probability(
        logits.floats.baseAddress, symbols, y.floats.baseAddress, symbols.count)
    }
  }

  public func bernoulliGradient(
    _ dy: Tensor, _ logits: Tensor, _ symbols: [UInt8], into dlogits: Tensor
  ) {
    exclusively {
      sl_bernoulli_gradient(
        dy.floats.baseAddress, logits.floats.baseAddress, symbols, dlogits.floats.baseAddress,
        symbols.count)
    }
  }

  public func categoricalLogProbability(_ logits: Tensor, _ symbols: [UInt8], into y: Tensor) {
    exclusively {
      sl_categorical_log_probability(
        logits.floats.baseAddress, symbols, y.floats.baseAddress, symbols.count,
        logits.count / symbols.count)
    }
  }

  public func categoricalGradient(
    _ dy: Tensor, _ logits: Tensor, _ symbols: [UInt8], into dlogits: Tensor
  ) {
    exclusively {
      let levels = logits.count / symbols.count
      if dlogits.precision == .bfloat16 {
        sl_categorical_gradient_bf16(
          dy.floats.baseAddress, logits.floats.baseAddress, symbols, dlogits.halves,
          symbols.count, levels)
      } else {
        sl_categorical_gradient_f32(
          dy.floats.baseAddress, logits.floats.baseAddress, symbols, dlogits.floats.baseAddress,
          symbols.count, levels)
      }
    }
  }

  // MARK: Optimiser

  public func adamW(
    _ step: AdamWStep, weights: Tensor, gradient: Tensor, first: Tensor, second: Tensor,
    average: Tensor, copy: Tensor?, _ staircase: Staircase?
  ) {
    requireSame(weights.shape, gradient.shape)
    if let copy { requireSame(weights.shape, copy.shape) }
    var rates = sl_adamw_step(
      learning_rate: Float(step.learningRate), beta1: Float(step.beta1),
      beta2: Float(step.beta2), epsilon: Float(step.epsilon),
      weight_decay: Float(step.weightDecay), gradient_scale: Float(step.gradientScale),
      first_correction: Float(1 - pow(step.beta1, Double(step.step))),
      second_correction: Float(1 - pow(step.beta2, Double(step.step))),
      average_decay: Float(step.averageDecay))
    exclusively {
      withBlocks(weights.count, staircase) {
        sl_adamw(
          &rates, weights.floats.baseAddress, gradient.floats.baseAddress,
          first.floats.baseAddress, second.floats.baseAddress, average.floats.baseAddress,
          copy?.halves, $0)
      }
    }
  }

  public func muon(_ step: MuonStep, _ matrices: [MuonMatrix]) {
    var rates = sl_muon_step(
      learning_rate: Float(step.learningRate), momentum: Float(step.momentum),
      weight_decay: Float(step.weightDecay), average_decay: Float(step.averageDecay))
    let all = matrices.map { matrix in
      sl_muon_matrix(
        weights: matrix.weights.floats.baseAddress, gradient: matrix.gradient.floats.baseAddress,
        momentum: matrix.momentum.floats.baseAddress, average: matrix.average.floats.baseAddress,
        mask: matrix.mask?.floats.baseAddress, rows: matrix.rows,
        columns: matrix.columns)
    }
    exclusively {
      let scratch = Tensor([sl_muon_scratch_count(all, all.count)], .float32)
      sl_muon(&rates, all, all.count, scratch.floats.baseAddress)
    }
  }

  /// The elements that a pointwise kernel is to visit: all, as one row, or the steps of a staircase.
  private func withBlocks<Result>(
    _ count: Int, _ staircase: Staircase?, _ body: (sl_blocks) -> Result
  ) -> Result {
    let width = staircase?.width ?? count
    let blocks =
      staircase?.steps.map {
        sl_block(first: $0.rows.lowerBound * width, rows: $0.rows.count, columns: $0.columns)
      } ?? [sl_block(first: 0, rows: 1, columns: count)]
    return blocks.withUnsafeBufferPointer {
      body(sl_blocks(blocks: $0.baseAddress, count: $0.count, stride: width))
    }
  }
}

/// What a worker calls: it comes on a thread that is not Swift's.
private func runPart(_ context: UnsafeMutableRawPointer?, _ part: Int32) {
  context!.assumingMemoryBound(to: (@Sendable (Int) -> Void).self).pointee(Int(part))
}

extension Tensor {
  /// The elements of a bfloat16 tensor.
  var halves: UnsafeMutablePointer<UInt16> {
    precondition(precision == .bfloat16, "expected bfloat16, found \(precision)")
    return pointer.assumingMemoryBound(to: UInt16.self)
  }
}
