/// The arithmetic behind every operation: a small set of primitives, and fused ones that are worth it.
///
/// `ReferenceBackend` is plain loops in double precision, whatever the tensors' own: what every kernel
/// and every gradient is checked against. A backend that lacks something says so by calling
/// `fallBack`, which is counted; nothing is inherited in silence. What only one family needs is no
/// part of this: it has a protocol of its own beside its layer (`NADEKernels`).
///
/// Conventions: images and feature maps are `[N, H, W, C]`; convolution weights `[out, in, kh, kw]`;
/// matrices row-major. Outputs are fresh tensors of the right shape unless a kernel says `+=`.
/// Gradients of parameters are float32 (float64 in the reference).
public protocol Backend: Sendable {
  var name: String { get }
  /// Threads that computations run on.
  var threads: Int { get }

  /// Whether it multiplies numbers of this precision as fast as others, and does not emulate them.
  func multiplies(_ precision: Precision) -> Bool

  /// GFLOP/s of multiply-adds in registers, the most that any kernel could reach on as many threads;
  /// nil where there is no loop of those.
  func registerPeak(_ precision: Precision) -> Double?

  /// Runs the body for 0 ..< count, as many at once as there are threads, each computation inside on
  /// its own thread alone.
  func concurrently(_ count: Int, _ body: @Sendable (Int) -> Void)

  /// The reference, for an operation that there is no kernel for: counted, except where the backend is
  /// plain itself.
  @discardableResult func fallBack(_ operation: String) -> ReferenceBackend

  // MARK: Pointwise

  /// y = scale · symbol + offset.
  func intensities(_ symbols: [UInt8], scale: Double, offset: Double, into y: Tensor)
  /// y `[N, H, W, C + P]` = the channels of x `[N, H, W, C]`, then those of planes `[H, W, P]`, the
  /// same for every image.
  func appendChannels(_ planes: Tensor, to x: Tensor, into y: Tensor)
  /// y = scale · x + offset.
  func affine(_ x: Tensor, scale: Double, offset: Double, into y: Tensor)
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

  // MARK: Evaluation, all sub-pixels or the next: one order of summation, so the same bits

  /// Weights as the kernels below read them, made once a run and not once a pass.
  /// - Parameter ofImage: for the first layer, whose few inputs are the image as it is.
  func prepare(
    _ w: Tensor, bias: Tensor, _ geometry: ConvolutionGeometry, _ precision: Precision,
    ofImage: Bool
  ) -> ConvolutionWeights
  /// The convolution above of all pixels.
  func convolution(
    _ x: Tensor, rectified: Bool, _ w: ConvolutionWeights, adding residual: Tensor?, into y: Tensor)
  /// What a convolution over images of this width remembers of those so far: empty.
  func memory(of w: ConvolutionWeights, images: Int, width: Int) -> ConvolutionMemory
  /// The same convolution of one pixel of each image: its input x `[N, …, I]` goes into the memory,
  /// and the output channels of y `[N, …, O]` that are asked for are computed.
  func convolution(
    of x: Tensor, rectified: Bool, _ w: ConvolutionWeights, memory: ConvolutionMemory,
    at pixel: Pixel,
    channels: Range<Int>, adding residual: Tensor?, into y: Tensor)
  /// The same of one pixel of images `[N, H, W, I]` that are kept whole: the first layer's.
  func convolution(
    within images: Tensor, _ w: ConvolutionWeights, at pixel: Pixel, channels: Range<Int>,
    into y: Tensor)

  /// y `[rows, L]` = f((W x + bias) + addend) for these rows of W, x `[K, L]` and y with images side
  /// by side (`SideBySide`).
  ///
  /// - Parameter sums: what `leadingSums` has already summed of these rows, if anything.
  func product(
    _ w: ProductWeights, rows: Range<Int>, _ x: SideBySide, after sums: LeadingSums?,
    adding addend: SideBySide?, activation: Activation, into y: SideBySide)
  /// The sums over as many leading elements as the order of summation allows, of those that are known.
  func leadingSums(_ w: ProductWeights, rows: Range<Int>, _ x: SideBySide, known: Int)
    -> LeadingSums
  /// Elements from `first` on of y = scale · symbol + offset, symbols `[N, stride]` from column
  /// `column` on.
  func intensities(
    _ symbols: [UInt8], stride: Int, column: Int, scale: Double, offset: Double,
    into y: SideBySide, elements: Range<Int>)
  /// The same of symbols `[N, channels]` into one pixel of images `[N, H, W, I]`.
  func intensities(
    _ symbols: [UInt8], scale: Double, offset: Double, into images: Tensor, at pixel: Pixel,
    channels: Range<Int>)
  /// The elements of x, in y's precision, as those of y from `first` on.
  func copy(_ x: SideBySide, into y: SideBySide, from first: Int)
  /// y `[N, K]` = a row an image.
  func rows(of x: SideBySide, into y: Tensor)

  // MARK: Log-probabilities, nats

  /// log p of each symbol under Bernoulli logits `[…]`.
  func bernoulliLogProbability(_ logits: Tensor, _ symbols: [UInt8], into y: Tensor)
  /// dlogits = dy ∘ (symbol − σ(logit)).
  func bernoulliGradient(_ dy: Tensor, _ logits: Tensor, _ symbols: [UInt8], into dlogits: Tensor)
  /// log p of each symbol under categorical logits `[…, K]`.
  func categoricalLogProbability(_ logits: Tensor, _ symbols: [UInt8], into y: Tensor)
  /// dlogits = dy ∘ (onehot(symbol) − softmax(logits)).
  func categoricalGradient(_ dy: Tensor, _ logits: Tensor, _ symbols: [UInt8], into dlogits: Tensor)
  /// A draw from each Bernoulli, 1 where the uniform number is below p; nil where a logit is no number.
  func drawBernoulli(_ logits: Tensor, _ uniforms: [Double]) -> [UInt8]?
  /// A draw from each categorical, logits `[…, K]`: the first level whose cumulated probability exceeds
  /// the uniform number; nil where a logit is no number.
  func drawCategorical(_ logits: Tensor, _ uniforms: [Double]) -> [UInt8]?

  // MARK: Optimiser

  /// One AdamW step in place on weights, both moments and the weights' moving average, which a decay
  /// of 1 leaves alone; of the staircase's steps where there is one: what lies beyond is neither
  /// read nor changed. `copy` receives the new weights in bfloat16.
  func adamW(
    _ step: AdamWStep, weights: Tensor, gradient: Tensor, first: Tensor, second: Tensor,
    average: Tensor, copy: Tensor?, _ staircase: Staircase?)
  /// One Muon step in place on the weights of matrices, their momentum and moving average.
  func muon(_ step: MuonStep, _ matrices: [MuonMatrix])
}

/// A backend of plain loops in double precision: what conforms inherits all of them.
public protocol PlainBackend: Backend {}

extension PlainBackend {
  public var threads: Int { 1 }

  public func multiplies(_ precision: Precision) -> Bool { true }
  public func registerPeak(_ precision: Precision) -> Double? { nil }

  public func concurrently(_ count: Int, _ body: @Sendable (Int) -> Void) {
    for index in 0..<count { body(index) }
  }

  @discardableResult
  public func fallBack(_ operation: String) -> ReferenceBackend { ReferenceBackend() }
}

/// The reference: every kernel as plain loops in double precision.
public struct ReferenceBackend: PlainBackend {
  public let name = "reference"
  public init() {}
}
