/// The product of `factors`, or nil where one is negative or the product does not fit: dimensions
/// that a file claims are multiplied here and nowhere else.
func checkedProduct(_ factors: [Int]) -> Int? {
  var product = 1
  for factor in factors {
    guard factor >= 0 else { return nil }
    let (next, overflow) = product.multipliedReportingOverflow(by: factor)
    guard !overflow else { return nil }
    product = next
  }
  return product
}
