/// A pointwise non-linearity that a kernel can apply while it writes.
public enum Activation: Sendable, Hashable {
  case identity
  /// max(x, 0)
  case relu
  /// 1 / (1 + exp(−x))
  case sigmoid
}

/// Where a kernel of a causal convolution stands: the output at row y, column x sees the input rows
/// y − padding.top … y − padding.top + height − 1 and the columns alike, zero outside the image.
public struct ConvolutionGeometry: Sendable, Hashable {
  /// Kernel sides.
  public let height: Int
  public let width: Int
  /// Rows above and below, columns left and right that the kernel may overhang.
  public let top: Int
  public let bottom: Int
  public let left: Int
  public let right: Int
  /// Taps of the last row that are live. The weights of those after them are zero and a kernel may
  /// skip them: what it leaves as their gradient has no meaning.
  public let lastRow: Int

  /// - Parameter lastRow: all taps of the last row where nil.
  public init(
    height: Int, width: Int, top: Int, bottom: Int, left: Int, right: Int, lastRow: Int? = nil
  ) {
    precondition(
      top + bottom == height - 1 && left + right == width - 1,
      "the output of a causal convolution has the size of its input")
    precondition(
      (1...width).contains(lastRow ?? width), "a row of \(width) taps has no \(lastRow ?? width)")
    self.lastRow = lastRow ?? width
    self.height = height
    self.width = width
    self.top = top
    self.bottom = bottom
    self.left = left
    self.right = right
  }

  /// Traps where input `[N, H, W, I]`, weights `[O, I, kh, kw]`, bias `[O]` and output
  /// `[N, H, W, O]` do not fit together.
  public func requireFit(_ x: Shape, weights w: Shape, bias: Shape, _ y: Shape) {
    precondition(
      x.rank == 4 && y.rank == 4 && w == [y[3], x[3], height, width] && bias == [y[3]]
        && y == [x[0], x[1], x[2], y[3]],
      "cannot convolve \(x) with \(w) and bias \(bias) into \(y) by \(height)x\(width)")
  }

  /// One weight a channel pair and pixel.
  public static let pointwise = ConvolutionGeometry(
    height: 1, width: 1, top: 0, bottom: 0, left: 0, right: 0)
}

/// Which elements of a tensor dropout keeps (Srivastava et al. 2014, JMLR 15:1929): a function of the
/// key and an element's place, so that nothing is stored and the way back finds the same mask.
public struct DropoutMask: Sendable {
  public let key: UInt64
  /// An element is kept where its 32-bit draw is at least this.
  public let threshold: UInt32
  /// What kept elements are multiplied by: 1 / (1 − rate).
  public let scale: Double

  /// - Parameter rate: the probability of being dropped, 0 ≤ rate < 1.
  public init(key: UInt64, rate: Double) {
    precondition(rate >= 0 && rate < 1, "a dropout rate is 0 ≤ rate < 1, found \(rate)")
    self.key = key
    threshold = UInt32(rate * 0x1p32)
    scale = 1 / (1 - rate)
  }

  /// Whether the element at `index` of the flat tensor is kept.
  func keeps(_ index: Int) -> Bool {
    func mixed(_ word: UInt32) -> UInt32 {
      var x = word
      x = (x ^ (x >> 16)) &* 0x7feb_352d
      x = (x ^ (x >> 15)) &* 0x846c_a68b
      return x ^ (x >> 16)
    }
    let low = UInt32(truncatingIfNeeded: key)
    let high = UInt32(truncatingIfNeeded: key >> 32)
    return mixed(mixed(UInt32(truncatingIfNeeded: index) ^ low) ^ high) >= threshold
  }
}

/// The rates of one AdamW step (Loshchilov and Hutter 2019, algorithm 2).
public struct AdamWStep: Sendable {
  public var learningRate: Double
  public var beta1 = 0.9
  public var beta2 = 0.999
  public var epsilon = 1e-8
  public var weightDecay = 0.0
  /// Factor on the gradient, for clipping by global norm.
  public var gradientScale = 1.0
  /// 1-based count of steps, for the bias corrections.
  public var step: Int
  /// What the moving average of the weights keeps of itself.
  public var averageDecay: Double

  public init(learningRate: Double, step: Int, averageDecay: Double) {
    self.learningRate = learningRate
    self.step = step
    self.averageDecay = averageDecay
  }
}

/// The arithmetic behind every operation.
///
/// Each requirement has a default, the reference: plain loops in double precision whatever the
/// tensors' own precision. A backend overrides what it can do faster, and everything that it lacks
/// falls back to the reference.
///
/// Conventions: images and feature maps are `[N, H, W, C]`; convolution weights `[out, in, kh, kw]`;
/// matrices row-major. Outputs are fresh tensors of the right shape unless a kernel says `+=`.
/// Gradients of parameters are float32 (float64 in the reference).
public protocol Backend: Sendable {
  var name: String { get }

  /// GFLOP/s of multiply-adds in registers, the most that any kernel could reach on as many threads;
  /// nil where there is no loop of those.
  func registerPeak(_ precision: Precision) -> Double?

  // MARK: Pointwise

  /// y = scale · symbol + offset.
  func intensities(_ symbols: [UInt8], scale: Double, offset: Double, into y: Tensor)
  /// y `[N, H, W, C + P]` = the channels of x `[N, H, W, C]`, then those of planes `[H, W, P]`, the
  /// same for every image.
  func appendChannels(_ planes: Tensor, to x: Tensor, into y: Tensor)
  /// y = x in y's precision.
  func convert(_ x: Tensor, into y: Tensor)
  /// y += x.
  func add(_ x: Tensor, into y: Tensor)
  /// y = a ∘ b.
  func product(_ a: Tensor, _ b: Tensor, into y: Tensor)
  /// y = f(x).
  func activate(_ f: Activation, _ x: Tensor, into y: Tensor)
  /// dx = dy ∘ f′, from the activation's output y; `dx +=` where accumulating. dx may be dy.
  func activationGradient(
    _ f: Activation, output y: Tensor, _ dy: Tensor, into dx: Tensor, accumulating: Bool)
  /// y = x under a dropout mask; y may be x.
  func dropout(_ mask: DropoutMask, _ x: Tensor, into y: Tensor)
  /// Σ x², of the staircase's steps where there is one: what lies beyond is not read.
  func sumOfSquares(_ x: Tensor, _ staircase: Staircase?) -> Double

  // MARK: Linear

  /// c = f(op(a) · op(b) + bias), the bias along c's columns.
  func matrixProduct(
    _ a: Tensor, transposed aT: Bool, _ b: Tensor, transposed bT: Bool, bias: Tensor?,
    activation: Activation, into c: Tensor)
  /// The same of blocks, with a bias as long as c's block is wide; all are of one precision, but for
  /// c, which may be float32.
  func matrixProduct(
    _ a: MatrixBlock, transposed aT: Bool, _ b: MatrixBlock, transposed bT: Bool, bias: Tensor?,
    activation: Activation, into c: MatrixBlock)
  /// x[row][column] = 0 for columns starts[row] ..< ends[row] of a matrix.
  func clear(_ x: Tensor, from starts: [Int], to ends: [Int])
  /// y = Σ over the rows of x.
  func sumOfRows(_ x: Tensor, into y: Tensor)

  // MARK: Convolution

  /// y = x ⋆ w + bias (+ residual), x taken as max(x, 0) where rectified.
  func convolution(
    _ x: Tensor, rectified: Bool, weights w: Tensor, bias: Tensor,
    _ geometry: ConvolutionGeometry, adding residual: Tensor?, into y: Tensor)
  /// dx of a convolution's output gradient dy, zero where its input x was rectified to zero (x nil:
  /// it was not rectified); `dx +=` where accumulating.
  func convolutionInputGradient(
    _ dy: Tensor, weights w: Tensor, _ geometry: ConvolutionGeometry, rectified x: Tensor?,
    accumulating: Bool, into dx: Tensor)
  /// dw and dbias of a convolution's output gradient dy.
  func convolutionWeightGradient(
    _ dy: Tensor, input x: Tensor, rectified: Bool, _ geometry: ConvolutionGeometry,
    into dw: Tensor, bias dbias: Tensor)

  // MARK: NADE

  /// Logits `[N, D, K]` of NADE: h_d = σ(c + Σ_{e<d} x_e W_e), logits_d = V_d h_d + b_d.
  /// x `[N, D]`, w `[D, H]`, c `[H]`, v `[D, K, H]`, b `[D, K]`.
  func nade(_ x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor, into logits: Tensor)
  /// The gradients of `nade` in w, c, v and b.
  func nadeGradient(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor,
    dw: Tensor, dc: Tensor, dv: Tensor, db: Tensor)

  // MARK: Log-probabilities, nats

  /// log p of each symbol under Bernoulli logits `[…]`.
  func bernoulliLogProbability(_ logits: Tensor, _ symbols: [UInt8], into y: Tensor)
  /// dlogits = dy ∘ (symbol − σ(logit)).
  func bernoulliGradient(_ dy: Tensor, _ logits: Tensor, _ symbols: [UInt8], into dlogits: Tensor)
  /// log p of each symbol under categorical logits `[…, K]`.
  func categoricalLogProbability(_ logits: Tensor, _ symbols: [UInt8], into y: Tensor)
  /// dlogits = dy ∘ (onehot(symbol) − softmax(logits)).
  func categoricalGradient(_ dy: Tensor, _ logits: Tensor, _ symbols: [UInt8], into dlogits: Tensor)

  // MARK: Optimiser

  /// One AdamW step in place on weights, both moments and the weights' moving average, which a decay
  /// of 1 leaves alone; of the staircase's steps where there is one: what lies beyond is neither
  /// read nor changed. `copy` receives the new weights in bfloat16.
  func adamW(
    _ step: AdamWStep, weights: Tensor, gradient: Tensor, first: Tensor, second: Tensor,
    average: Tensor, copy: Tensor?, _ staircase: Staircase?)
}

extension Backend {
  public func registerPeak(_ precision: Precision) -> Double? { nil }
}

/// The reference: every kernel as plain loops in double precision.
public struct ReferenceBackend: Backend {
  public let name = "reference"
  public init() {}
}
