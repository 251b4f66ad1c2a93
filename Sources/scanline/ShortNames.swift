/// Paths by their last components, as many as it takes to tell each from all others:
/// `a/b/scratched`, `a/b/bent` and `c/bent` are `scratched`, `b/bent` and `c/bent`.
func shortNames(of paths: [String]) -> [String] {
  let parts = paths.map { $0.split(separator: "/") }
  return paths.indices.map { index in
    let own = parts[index]
    let others = parts.filter { $0 != own }
    let enough = (1..<max(1, own.count)).first { count in
      !others.contains { $0.suffix(count) == own.suffix(count) }
    }
    return enough.map { own.suffix($0).joined(separator: "/") } ?? paths[index]
  }
}
