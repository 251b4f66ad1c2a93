import Synchronization

/// Operations that had to be computed in the plain way, in double precision and one element after the
/// other, because the backend has no kernel for them: never in a shipped configuration.
public enum Fallbacks {
  private static let names = Mutex<[String: Int]>([:])

  /// How often each has been.
  public static var counts: [String: Int] { names.withLock { $0 } }

  static func count(_ name: String) { names.withLock { $0[name, default: 0] += 1 } }
}

extension Backend {
  @discardableResult
  public func fallBack(_ operation: String) -> ReferenceBackend {
    Fallbacks.count(operation)
    return ReferenceBackend()
  }
}
