import Files
import Foundation
import Gaussians
import Images
import RunFiles
import Training

/// Both experts of a run, and their verdict of images of any size.
///
/// ```swift
/// if let experts = try Experts(of: TrainedModel(run: "runs/boards")) {
///   let evidence = experts.evidence(of: try Image.decode(contentsOf: "board.png"))
///   print(experts.verdict.opinion(on: evidence).pValue)
/// }
/// ```
public struct Experts {
  public let local: LocalExpert
  public let global: [GlobalExpert]
  public let verdict: ExpertsVerdict
  /// Of images' own size.
  public let scale: Double

  public var calibration: ExpertsCalibration { verdict.calibration }

  /// Those of a run; nil where it has none.
  /// - Throws: `FileError` or `DetectionError` for files that are damaged, missing or of other weights.
  public init?(of trained: TrainedModel) throws {
    guard trained.configuration.experts == true, let crops = trained.configuration.crops else {
      return nil
    }
    let run = trained.run
    guard access(run.expertsFile, F_OK) == 0 else {
      throw FileError(
        run.expertsFile, expected: "the verdict of a finished training",
        found: "nothing; go on with the run by scanline train --resume")
    }
    let calibration = try JSONFile.read(ExpertsCalibration.self, from: run.expertsFile)
    try calibration.check(run.expertsFile)
    guard calibration.weights == trained.weightsFingerprint else {
      throw DetectionError.otherWeights(path: run.expertsFile)
    }
    local = try LocalExpert(trained)
    let side = ScaledImages.miniatureSide
    global = try calibration.scales.enumerated().map { fold, scale in
      GlobalExpert(
        try LowRankGaussian(
          contentsOf: run.globalExpertFile(fold), dimension: side * side), scale: scale)
    }
    verdict = ExpertsVerdict(calibration)
    scale = crops.scale
  }

  /// What both say of an image, of its own size.
  public func evidence(of image: Image) -> LargeEvidence {
    LargeEvidence(image, local, global, scale: scale)
  }

  /// Fits the global expert, judges the images that were held out, and writes both into the run.
  /// - Parameters:
  ///   - images: all normal images, at the working scale.
  ///   - heldOut: indices of those that the local expert has not learned from.
  ///   - groups: of each image: those of one are kept in one fold.
  ///   - progress: called after each image; answers whether to go on.
  /// - Returns: false where it was stopped; nothing is written then.
  public static func finish(
    _ trained: TrainedModel, _ images: ScaledImages, heldOut: [Int], groups: [Int],
    progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
  ) throws -> Bool {
    let local = try LocalExpert(trained)
    let folds = folds(images.count, heldOut: heldOut, groups: groups)
    var calibration = ExpertsCalibration(
      held: [], folds: [], scales: [], explainedShare: 0, weights: trained.weightsFingerprint)
    let total = heldOut.count + folds.count
    var densities: [GlobalExpert] = []
    var place = [Int: (fold: Int, place: Int)]()
    for (number, fold) in folds.enumerated() {
      let inFold = Set(fold)
      let others = images.miniatures.indices.filter {
        !inFold.contains($0) && (folds.count > 1 || !heldOut.contains($0))
      }
      let unseen = fold.map { images.miniatures[$0] }
      let density = GlobalExpert(
        fitting: (others.isEmpty ? fold : others).map { images.miniatures[$0] }, heldOut: unseen)
      densities.append(density)
      calibration.folds.append(unseen.map(density.statistics))
      calibration.scales.append(density.scale)
      calibration.explainedShare += density.explainedShare(of: unseen) / Double(folds.count)
      for (at, index) in fold.enumerated() { place[index] = (number, at) }
      guard progress(number + 1, total) else { return false }
    }
    for index in heldOut {
      let image = images.images[index]
      let evidence = LargeEvidence(
        local.maps(of: image), reach: local.reach, size: (image.width, image.height), global: [])
      calibration.held.append(
        .init(
          name: images.names[index], surprisePeak: evidence.surprisePeak,
          entropyPeak: evidence.entropyPeak, excessPeak: evidence.excessPeak,
          fold: place[index]!.fold, place: place[index]!.place))
      guard progress(folds.count + calibration.held.count, total) else { return false }
    }
    let run = trained.run
    for (fold, density) in densities.enumerated() {
      try density.gaussian.write(to: run.globalExpertFile(fold))
    }
    try JSONFile.write(calibration, to: run.expertsFile)
    return true
  }

  /// Below a thousand images four folds of all; else one, of the held-out images.
  private static func folds(_ count: Int, heldOut: [Int], groups: [Int]) -> [[Int]] {
    guard count < 1_000 else { return [heldOut] }
    // Held-out images are spread evenly, and their groups with them.
    var folds = [[Int]](repeating: [], count: 4)
    var foldOf: [Int: Int] = [:]
    let held = Set(heldOut)
    var next = 0
    for index in heldOut + (0..<count).filter({ !held.contains($0) }) {
      if foldOf[groups[index]] == nil {
        foldOf[groups[index]] = next % 4
        next += 1
      }
      folds[foldOf[groups[index]]!].append(index)
    }
    return folds.filter { !$0.isEmpty }.map { $0.sorted() }
  }
}

extension GlobalExpert {
  /// The share of these images' variance about the mean that the directions explain, 0…1.
  func explainedShare(of miniatures: [[UInt8]]) -> Double {
    var (whole, left) = (0.0, 0.0)
    for miniature in miniatures {
      let y = Self.row(miniature)
      whole += zip(y, gaussian.mean).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
      left += gaussian.statistics(of: y).residual * gaussian.noise
    }
    return whole > 0 ? 1 - left / whole : 0
  }
}

extension ExpertsCalibration {
  /// Refuses what decodes but makes no verdict.
  fileprivate func check(_ path: String) throws {
    let numbers =
      held.flatMap { held -> [Double] in
        [held.surprisePeak, held.entropyPeak, held.excessPeak ?? 0]
      }
      + folds.flatMap { $0.flatMap { [$0.plus, $0.minus, $0.inside] } }
    guard !held.isEmpty, folds.count == scales.count, folds.allSatisfy({ !$0.isEmpty }),
      held.allSatisfy({
        folds.indices.contains($0.fold) && folds[$0.fold].indices.contains($0.place)
      }), numbers.allSatisfy({ !$0.isNaN }), scales.allSatisfy({ $0 > 0 && $0.isFinite })
    else {
      throw FileError(
        path, expected: "held-out images, each with its place in a fold, and scales above zero",
        found: "others")
    }
  }
}
