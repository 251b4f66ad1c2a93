import Foundation

extension Score {
  /// The part of −log p(x) that belongs to each quarter of the rows, nats, from the top: an image odd in
  /// one place may be ordinary in its sum.
  static let bands = (0..<4).map { band in
    Score(
      "nats_rows_\(band + 1)", "nats of quarter \(band + 1) of the rows", odd: .both,
      inVerdict: .both, ofPlace: true, of: { $0.height >= 4 }
    ) { evidence, _ in
      let shape = evidence.shape
      let row = shape.width * shape.channels
      let start = evidence.surprise.startIndex
      let rows = band * shape.height / 4..<(band + 1) * shape.height / 4
      return evidence.surprise[start + rows.lowerBound * row..<start + rows.upperBound * row].total
        * M_LN2
    }
  }

  /// The same of the columns, from the left.
  static let columns = (0..<4).map { band in
    Score(
      "nats_columns_\(band + 1)", "nats of quarter \(band + 1) of the columns", odd: .both,
      inVerdict: .both, ofPlace: true, of: { $0.width >= 4 }
    ) { evidence, _ in
      let shape = evidence.shape
      let row = shape.width * shape.channels
      let columns = band * shape.width / 4..<(band + 1) * shape.width / 4
      let first = evidence.surprise.startIndex + columns.lowerBound * shape.channels
      return (0..<shape.height).reduce(0.0) { sum, y in
        let start = first + y * row
        return sum + evidence.surprise[start..<start + columns.count * shape.channels].total
      } * M_LN2
    }
  }
}
