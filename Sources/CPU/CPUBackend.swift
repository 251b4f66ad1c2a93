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
public struct CPUBackend: Backend, Sendable {
  public static let shared = CPUBackend()

  private final class Own: @unchecked Sendable {
    let lock = NSRecursiveLock()
    var threads = Int(sl_threads())
    var convolutions: [ConvolutionKey: ConvolutionPlan] = [:]
    var products: [ProductKey: Primitive] = [:]
  }

  private static let kept = Own()

  public let name = "oneDNN"
  // There as long as the process: threads that handed it on at each step of a layer would wait for its count.
  private unowned(unsafe) let own: Own

  /// Most compiled primitives of a kind that are kept. A model needs some dozens; sides that never
  /// come again must not fill the memory.
  private static let mostPlans = 512

  private init() { own = Self.kept }

  /// Threads that kernels run on, 1 ... 1024. Changing it drops the compiled primitives.
  public var threads: Int {
    get { own.lock.withLock { own.threads } }
    nonmutating set {
      precondition(
        (1...Int(SL_MOST_THREADS)).contains(newValue),
        "threads must be 1 ... \(SL_MOST_THREADS), found \(newValue)")
      own.lock.withLock {
        own.threads = newValue
        own.convolutions.removeAll()
        own.products.removeAll()
      }
    }
  }

  /// Runs a computation alone, on as many threads as asked for: libgomp keeps the count by calling
  /// thread, and callers may come on any. A worker has its own thread, and all others are busy alike.
  func exclusively<Result>(_ body: () -> Result) -> Result {
    if sl_is_worker() != 0 { return body() }
    return own.lock.withLock {
      sl_set_threads(Int32(own.threads))
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

  public func multiplies(_ precision: Precision) -> Bool {
    precision == .float32 || precision == .bfloat16 && Self.hasBFloat16
  }

  /// Whether the processor has the multiply-adds of vectors that our convolution kernels are written for.
  static let hasAVX2: Bool = {
    let wanted = dnnl_cpu_isa_avx2.rawValue
    return dnnl_get_effective_cpu_isa().rawValue & wanted == wanted
  }()

  func plan(_ key: ConvolutionKey) -> ConvolutionPlan {
    if let plan = own.convolutions[key] { return plan }
    let plan = ConvolutionPlan(key)
    if own.convolutions.count >= Self.mostPlans { own.convolutions.removeAll() }
    own.convolutions[key] = plan
    return plan
  }

  func product(_ key: ProductKey) -> Primitive {
    if let primitive = own.products[key] { return primitive }
    let primitive = productPrimitive(key)
    if own.products.count >= Self.mostPlans { own.products.removeAll() }
    own.products[key] = primitive
    return primitive
  }

  /// The tensor itself, or a copy in the wanted precision.
  func matched(_ x: Tensor, _ precision: Precision) -> Tensor {
    if x.precision == precision { return x }
    let y = Tensor(x.shape, precision)
    convert(x, into: y)
    return y
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
