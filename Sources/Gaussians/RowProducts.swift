import CKernels

/// Rows of numbers side by side, double precision: `[rows, columns]`.
package struct Rows {
  package let count: Int
  package let columns: Int
  package var values: [Double]

  package init(count: Int, columns: Int, values: [Double]) {
    precondition(
      values.count == count * columns,
      "[\(count), \(columns)] needs \(count * columns) values, found \(values.count)")
    self.count = count
    self.columns = columns
    self.values = values
  }

  /// At least one, of the same length.
  package init(_ rows: [[Double]]) {
    self.init(count: rows.count, columns: rows[0].count, values: rows.flatMap { $0 })
  }

  package subscript(row: Int) -> ArraySlice<Double> {
    values[row * columns..<(row + 1) * columns]
  }

  /// `[columns, rows]`
  package var transposed: Rows {
    var result = [Double](repeating: 0, count: values.count)
    // In squares that stay in the cache.
    let side = 32
    for top in stride(from: 0, to: count, by: side) {
      for left in stride(from: 0, to: columns, by: side) {
        for row in top..<min(top + side, count) {
          for column in left..<min(left + side, columns) {
            result[column * count + row] = values[row * columns + column]
          }
        }
      }
    }
    return Rows(count: columns, columns: count, values: result)
  }

  /// The product of each row with each of another's: `[rows, other rows]`, on all threads, the same bits
  /// on any number of them.
  package func products(with other: Rows) -> Rows {
    precondition(columns == other.columns, "rows of \(columns) and of \(other.columns) numbers")
    var result = [Double](repeating: 0, count: count * other.count)
    let part = 32
    result.withUnsafeMutableBufferPointer { result in
      values.withUnsafeBufferPointer { values in
        other.values.withUnsafeBufferPointer { others in
          guard let (to, a, b) = all(result.baseAddress, values.baseAddress, others.baseAddress)
          else { return }
          onEveryThread((count + part - 1) / part) { index in
            let first = index * part
            sl_rows_by_rows(
              a + first * columns, min(part, count - first), b, other.count, columns,
              to + first * other.count)
          }
        }
      }
    }
    return Rows(count: count, columns: other.count, values: result)
  }

  private func all<A, B, C>(_ a: A?, _ b: B?, _ c: C?) -> (A, B, C)? {
    guard let a, let b, let c else { return nil }
    return (a, b, c)
  }

  /// Makes the rows orthonormal, each less what the earlier ones hold of it, twice over so that rounding
  /// leaves nothing. A row that is nothing then becomes zeros.
  package mutating func orthonormalise() {
    let (n, count) = (columns, count)
    values.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      var shares = [Double](repeating: 0, count: count)
      for index in 0..<count {
        let row = start + index * n
        let before = Self.norm(row, n)
        for _ in 0..<2 {
          sl_rows_by_rows(start, index, row, 1, n, &shares)
          for earlier in 0..<index {
            let (share, other) = (shares[earlier], start + earlier * n)
            for i in 0..<n { row[i] -= share * other[i] }
          }
        }
        let left = Self.norm(row, n)
        let scale = left > 1e-12 * before ? 1 / left : 0
        for i in 0..<n { row[i] *= scale }
      }
    }
  }

  private static func norm(_ row: UnsafePointer<Double>, _ n: Int) -> Double {
    var square = 0.0
    sl_rows_by_rows(row, 1, row, 1, n, &square)
    return square.squareRoot()
  }
}

/// The product of each of some rows of `columns` numbers with each of others, `[rows, others]`, in single
/// precision, on all threads and the same bits on any number of them.
package func rowProducts(
  _ rows: ArraySlice<Float>, _ others: ArraySlice<Float>, columns: Int
) -> [Float] {
  let (m, n) = (rows.count / columns, others.count / columns)
  let part = 32
  return [Float](unsafeUninitializedCapacity: m * n) { products, count in
    rows.withUnsafeBufferPointer { rows in
      others.withUnsafeBufferPointer { others in
        guard let to = products.baseAddress, let a = rows.baseAddress, let b = others.baseAddress
        else { return }
        onEveryThread((m + part - 1) / part) { index in
          let first = index * part
          sl_rows_by_rows_f32(
            a + first * columns, min(part, m - first), b, n, columns, to + first * n)
        }
      }
    }
    count = m * n
  }
}

/// Calls `body` for every index below `count` on the threads that the kernels run on.
package func onEveryThread(_ count: Int, _ body: (Int) -> Void) {
  withoutActuallyEscaping(body) { body in
    var body = body
    withUnsafeMutablePointer(to: &body) { context in
      sl_for_each(count, context) { context, index in
        context!.assumingMemoryBound(to: ((Int) -> Void).self).pointee(index)
      }
    }
  }
}
