import Gaussians
import Testing

/// The kernels under the densities and the verdict against their definitions, at sizes that are no whole
/// tiles.
@Suite struct RowsTests {
  private func rows(_ count: Int, _ columns: Int, seed: UInt64) -> Rows {
    Rows(count: count, columns: columns, values: draws(count * columns, seed: seed))
  }

  @Test(arguments: [(1, 1, 3), (5, 7, 64), (12, 65, 40), (10, 9, 301)])
  func productsAreSums(m: Int, n: Int, k: Int) {
    let (a, b) = (rows(m, k, seed: 1), rows(n, k, seed: 2))
    let found = a.products(with: b)
    let (x, y) = (a.values.map { Float($0) }, b.values.map { Float($0) })
    let single = rowProducts(x[...], y[...], columns: k)
    for i in 0..<m {
      for j in 0..<n {
        let expected = zip(a[i], b[j]).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(found.values[i * n + j] - expected) < 1e-12 * Double(k))
        #expect(abs(Double(single[i * n + j]) - expected) < 1e-5 * Double(k))
      }
    }
    // A row alone has the bits that it has among others.
    let alone = Rows(count: 1, columns: k, values: Array(a[m - 1])).products(with: b)
    #expect(alone.values[...] == found[m - 1])
    #expect(rowProducts(x.suffix(k), y[...], columns: k) == Array(single.suffix(n)))
  }

  @Test(arguments: [1, 7, 8, 21, 33], [1, 4, 9])
  func squaredLengthsAreTheirDefinition(d: Int, n: Int) {
    let means = (0..<3).map { draws(d, seed: UInt64($0)) }
    let lower = (0..<3).map { rows(d, d, seed: UInt64(10 + $0)) }
    let x = rows(n, d, seed: 3)
    let triangles = Triangles(means: means, lower: lower)
    let found = triangles.squaredLengths(of: x)
    #expect(found.count == 3 && found.columns == n)
    for (k, (mean, lower)) in zip(means, lower).enumerated() {
      for row in 0..<n {
        let expected = (0..<d).reduce(0.0) { length, i in
          let sum = (0...i).reduce(0.0) {
            $0 + lower[i][i * d + $1] * (x[row][row * d + $1] - mean[$1])
          }
          return length + sum * sum
        }
        #expect(abs(found.values[k * n + row] - expected) < 1e-12 * (1 + expected))
      }
    }
    let last = triangles.squaredLengths(of: Rows([Array(x[n - 1])]))
    #expect(last.values == (0..<3).map { found.values[$0 * n + n - 1] })
  }
}
