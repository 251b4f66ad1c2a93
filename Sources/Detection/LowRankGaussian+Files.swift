import Files
import Gaussians
import RunFiles

extension LowRankGaussian {
  /// Writes a safetensors file, as a whole or not at all. Throws a `FileError`.
  public func write(to path: String, metadata: [String: String] = [:]) throws {
    try TensorFile.write(
      [
        TensorSource("mean", shape: [dimension], mean),
        TensorSource("directions", shape: [rank, dimension], directions),
        TensorSource("variances", shape: [rank], variances),
        TensorSource("noise", shape: [1], [noise]),
        TensorSource("explained_share", shape: [1], [explainedShare]),
      ], metadata: metadata.merging(["rank": "\(rank)"]) { $1 }, to: path)
  }

  /// Reads what `write` wrote, of vectors of `dimension` numbers. Throws a `FileError` that names the file
  /// and the field.
  public init(contentsOf path: String, dimension: Int) throws {
    try self.init(TensorFile(reading: path), dimension: dimension)
  }

  init(_ file: TensorFile, dimension: Int) throws {
    let rank: Int = try file.metadata("rank")
    guard (0..<max(1, dimension)).contains(rank) else {
      throw FileError(
        file.path, "metadata \"rank\"", expected: "less than \(dimension)", found: "\(rank)")
    }
    let mean: [Float] = try file.values(of: "mean", shape: [dimension])
    let directions: [Float] = try file.values(of: "directions", shape: [rank, dimension])
    let variances: [Double] = try file.values(of: "variances", shape: [rank])
    let noise = try file.values(of: "noise", shape: [1], as: Double.self)[0]
    let explainedShare = try file.values(of: "explained_share", shape: [1], as: Double.self)[0]
    guard noise > 0, noise.isFinite, variances.allSatisfy({ $0 > 0 && $0.isFinite }),
      mean.allSatisfy(\.isFinite), directions.allSatisfy(\.isFinite)
    else {
      throw FileError(
        file.path, "tensors", expected: "finite numbers and variances above zero", found: "others")
    }
    self.init(
      mean: mean, directions: directions, variances: variances, noise: noise,
      explainedShare: explainedShare)
  }
}
