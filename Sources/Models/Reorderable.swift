/// A density whose sub-pixels can be told in any order.
public protocol Reorderable: DensityModel {
  /// The density of the same images told in another order: its symbol i is sub-pixel `order[i]` of an
  /// image in raster order.
  /// It has the same parameters: what is prepared of those must hold for every order.
  /// - Parameter order: each sub-pixel once, 0 ..< D.
  func told(in order: [Int]) -> any DensityModel
}
