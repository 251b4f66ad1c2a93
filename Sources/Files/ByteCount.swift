import Foundation

/// `512 bytes`, `1.2 MB`, `3.1 GB`.
package func bytes(_ count: Int) -> String {
  var (value, unit) = (Double(count), "bytes")
  for next in ["kB", "MB", "GB", "TB", "PB"] where value >= 999.5 {
    (value, unit) = (value / 1000, next)
  }
  let decimals = value < 10 && unit != "bytes" ? 1 : 0
  return String(format: "%.\(decimals)f", value) + " \(unit)"
}
