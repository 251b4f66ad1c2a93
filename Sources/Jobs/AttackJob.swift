import Attacks
import Files
import Foundation
import Images
import Reports
import Tensors
import Training

/// Attacks a classifier with images that are labelled, into a folder: `images/CLASS/` what they became, each
/// written as a PNG file of eight bits and judged as that, `attack.csv`, and `sheet.png`: image, attacked,
/// moves.
///
/// ```swift
/// let classifier = try TrainedClassifier(run: "runs/shoes")
/// let job = try AttackJob(classifier, classifier.images(at: "test")!, .pgd, epsilon: 8)
/// print(try job.run(to: "attacked")!.accuracyAfter)
/// ```
public struct AttackJob {
  public struct Attacked: Sendable {
    /// The image, as its data set names it, and its file in the folder.
    public let image: String
    public let file: String
    public let label: Int
    /// What the classifier takes it for, before and after.
    public let told: Int
    public let toldAfter: Int
    /// The largest move of a sub-pixel, of 255, and the length of all, of intensities 0…1.
    public let largest: Int
    public let length: Double
  }

  public struct Outcome: Sendable {
    public let images: [Attacked]
    /// Of attacking alone.
    public let seconds: Double
    public var accuracy: Double { share { $0.told == $0.label } }
    public var accuracyAfter: Double { share { $0.toldAfter == $0.label } }

    private func share(_ isTrue: (Attacked) -> Bool) -> Double {
      Double(images.count(where: isTrue)) / Double(max(1, images.count))
    }
  }

  public let classifier: TrainedClassifier
  public let images: DataSet
  public let method: AttackMethod
  /// The most that an intensity of 0…255 moves, or the length of all moves in L2, of the same scale.
  public let epsilon: Double
  public var steps: Int?
  public var starts = 1
  /// A run that the attacker knows, for methods that attack one too.
  public let density: TrainedModel?
  /// The most that its purifier is taken to move an intensity of 0…255; nil: ε.
  public var purifierEpsilon: Double?
  public var seed: UInt64 = 0
  public var overwrites = false
  /// Where the images are, which are never written to.
  public var inputs: [String] = []

  private static let together = 64
  private static let mostInSheet = 40

  /// - Parameter images: labelled as the classifier's, `TrainedClassifier.images(at:)`.
  /// - Throws: `OptionError` for a method that attacks a density where there is none, `FileError` for runs of
  ///   other images or of pixels of few levels.
  public init(
    _ classifier: TrainedClassifier, _ images: DataSet, _ method: AttackMethod, epsilon: Double,
    density: TrainedModel? = nil
  ) throws {
    (self.classifier, self.images, self.method) = (classifier, images, method)
    (self.epsilon, self.density) = (epsilon, density)
    guard classifier.configuration.pixels == .levels(256) else {
      throw FileError(
        classifier.run.path, expected: "a classifier of 256 levels",
        found: "one of \(classifier.configuration.pixels)")
    }
    guard method.needsDensity == (density != nil) else {
      throw OptionError(
        "--density", expected: "\(method.needsDensity ? "a run" : "none") with \(method.rawValue)",
        found: density == nil ? "none" : "one")
    }
    guard let density else { return }
    guard density.configuration.model.image == classifier.configuration.model.image else {
      throw FileError(
        density.run.path, expected: "a run of \(classifier.configuration.model.image) images",
        found: "one of \(density.configuration.model.image)")
    }
    guard density.configuration.crops == nil, case .levels = density.configuration.pixels else {
      throw FileError(
        density.run.path, expected: "a run of whole images with levels of grey or colour",
        found: density.configuration.crops == nil
          ? "pixels \(density.configuration.pixels)" : "crops")
    }
  }

  /// - Parameter progress: called with the images done; answers whether to go on.
  /// - Returns: nil where it was stopped; what was written until then stays.
  /// - Throws: `FileError` where a file cannot be written.
  public func run(
    to path: String, progress: @escaping (_ done: Double, _ of: Int) -> Bool = { _, _ in true }
  ) throws -> Outcome? {
    guard let labels = images.labels else { preconditionFailure("images without labels") }
    let files = files(labels)
    let folder = try OutputFolder(path, inputs: inputs, overwrite: overwrites)
    try folder.requireFree(files + ["attack.csv", "sheet.png"])
    let victim = Victim(classifier.model, on: classifier.context.engine)
    let attack = attack()
    var found: [Attacked] = []
    var tiles: [Image] = []
    var (done, seconds) = (0.0, 0.0)
    let spacing = (images.count + Self.mostInSheet - 1) / Self.mostInSheet
    for start in stride(from: 0, to: images.count, by: Self.together) {
      let range = start..<min(start + Self.together, images.count)
      let own = range.map { unit(images.image(at: $0)) }
      let began = ContinuousClock.now
      let moved = attack.moved(
        own, Array(labels[range]), numbers: range, by: victim, seed: seed
      ) { count in
        done += count
        return progress(min(done, Double(range.upperBound)), images.count)
      }
      guard let moved else { return nil }
      seconds += (ContinuousClock.now - began) / .seconds(1)
      let after = moved.map(image)
      let told = zip(victim.mostProbable(own), victim.mostProbable(after.map(unit)))
      for ((index, image), (before, now)) in zip(zip(range, after), told) {
        try image.writePNG(to: folder.file(files[index]))
        let row = attacked(index, files[index], image, told: before, toldAfter: now)
        found.append(row)
        // Evenly out of all: a folder is sorted by class.
        guard index % spacing == 0 else { continue }
        let most = max(1, method.findsSmallest ? row.largest : Int(epsilon))
        tiles += moveTiles(from: images.image(at: index), to: image, most: most)
      }
    }
    try AtomicFile.write(
      lines: ["path,file,class,told,told_after,largest_move,length"] + found.map(line),
      to: folder.file("attack.csv"))
    if !tiles.isEmpty {
      try grid(of: tiles, columns: tiles.count > 24 ? 12 : 3).writePNG(to: folder.file("sheet.png"))
    }
    return Outcome(images: found, seconds: seconds)
  }

  /// The file of each image, below a folder of its class.
  private func files(_ labels: [Int]) -> [String] {
    let names = HeatMapNames(of: images.names)
    return zip(images.names, labels).map { name, label in
      let (file, folder) = (names.image(for: name), classifier.classNames[label])
      return "images/" + (file.hasPrefix(folder + "/") ? file : "\(folder)/\(file)")
    }
  }

  private func attacked(
    _ index: Int, _ file: String, _ image: Image, told: Int, toldAfter: Int
  ) -> Attacked {
    let moves = zip(image.pixels, images.image(at: index).pixels).map { Int($0) - Int($1) }
    let squares = moves.reduce(0) { $0 + $1 * $1 }
    return Attacked(
      image: images.names[index], file: file, label: images.labels![index], told: told,
      toldAfter: toldAfter, largest: moves.map(abs).max() ?? 0,
      length: Double(squares).squareRoot() / 255)
  }

  private func attack() -> any Attack {
    let known = density.map { KnownDensity($0.model, on: $0.context.engine) }
    return method.attack(
      on: classifier.configuration.model.image, epsilon: Float(epsilon / 255), steps: steps,
      starts: starts, density: known, purifierEpsilon: Float((purifierEpsilon ?? epsilon) / 255))
  }

  /// Intensities 0…1.
  private func unit(_ image: Image) -> [Float] { image.pixels.map { Float($0) / 255 } }

  /// What eight bits keep of intensities.
  private func image(_ intensities: [Float]) -> Image {
    Image(
      height: images.height, width: images.width, channels: images.channels,
      pixels: intensities.map { UInt8(max(0, min(255, (255 * $0).rounded()))) })
  }

  private func line(_ row: Attacked) -> String {
    let classes = [row.label, row.told, row.toldAfter].map { classifier.classNames[$0] }
    return ([row.image, row.file] + classes).map { quoted(inert($0)) }.joined(separator: ",")
      + ",\(row.largest),\(row.length)"
  }
}
