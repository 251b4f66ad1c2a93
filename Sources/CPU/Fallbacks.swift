import Synchronization
import Tensors

/// Operations that had to be computed by the reference, in double precision and one element after the
/// other: never in a shipped configuration.
public enum Fallbacks {
  private static let names = Mutex<[String: Int]>([:])

  /// How often each has been.
  public static var counts: [String: Int] { names.withLock { $0 } }

  static func count(_ name: String) { names.withLock { $0[name, default: 0] += 1 } }
}

extension CPUBackend {
  /// The reference, for something that there is no kernel for.
  func fallBack(_ name: String) -> ReferenceBackend {
    Fallbacks.count(name)
    return ReferenceBackend()
  }
}
