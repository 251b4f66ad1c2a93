import Foundation
import Heads
import Images
import Layers
import Randomness
import Tensors

/// The density of images whose class is not known, p(x) = Σ_y p(y) p(x | y), of a model that is told
/// classes.
///
/// A batch with labels gets p(x | y), one without p(x): both by conditionals, the latter the mean over the
/// classes, each weighted by p(y | x_<i) (`MixedConditionals`). That takes a pass for each class.
public struct ClassMixture: DensityModel {
  /// p(x | y): it is told the class of each image.
  public let model: any DensityModel
  /// log p(y) of each class.
  public let logPrior: [Double]
  /// Names the place where what is remembered is kept.
  private let owner = Parameter(name: "class mixture", value: Tensor([1], .float32), decays: false)

  /// - Parameter counts: how often each class occurs; p(y) = (n + 1) / (N + classes).
  public init(_ model: any DensityModel, counts: [Int]) {
    precondition(!counts.isEmpty, "a mixture of no classes")
    let total = Double(counts.reduce(0, +) + counts.count)
    self.init(model, logPrior: counts.map { log(Double($0 + 1) / total) })
  }

  init(_ model: any DensityModel, logPrior: [Double]) {
    (self.model, self.logPrior) = (model, logPrior)
  }

  public var classes: Int { logPrior.count }

  /// The class of image k of a seed, drawn by p(y).
  public func drawnClass(of image: Int, seed: UInt64) -> Int {
    var random = RandomStream(seed: seed, "class", image)
    var left = random.uniform()
    return logPrior.firstIndex { logShare in
      left -= exp(logShare)
      return left < 0
    } ?? classes - 1
  }
  public var image: ImageShape { model.image }
  public var head: Head { model.head }
  public var multiplyAdds: Int { classes * model.multiplyAdds }
  public var passesPerLikelihood: Int { classes * model.passesPerLikelihood }
  // The outputs of all classes are there at once.
  public var inferenceBatch: Int { max(1, model.inferenceBatch * 4 / max(4, classes)) }
  public func samplingGroup(in precision: Precision) -> Int { model.samplingGroup(in: precision) }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    if batch.labels != nil { return model.conditionals(batch, in: context) }
    if context.memory != nil { return next(after: batch, in: context) }
    let members = (0..<classes).map { told(batch, $0, in: context) }
    let terms = members.map { $0.logProbability(of: batch, in: context).value.values }
    return mixed(members, images: batch.count) { y, visit in
      for n in 0..<batch.count {
        var sum = logPrior[y]
        for place in n * image.dimension..<(n + 1) * image.dimension {
          if place % subpixelsAStep == 0 { visit(sum) }
          sum += terms[y][place]
        }
      }
    }
  }

  private func told(
    _ batch: PixelBatch, _ label: Int, in context: Context
  ) -> any PixelDistribution {
    model.conditionals(
      batch.labelled(Array(repeating: label, count: batch.count)), in: context)
  }

  private func mixed(
    _ members: [any PixelDistribution], images: Int,
    _ weights: (_ label: Int, _ visit: (Double) -> Void) -> Void
  ) -> MixedConditionals {
    let logWeights = members.indices.map { label in
      var values: [Double] = []
      weights(label) { values.append($0) }
      return values
    }
    return MixedConditionals(
      members, logWeights: logWeights, images: images, subpixelsAStep: subpixelsAStep)
  }

  /// log p(x, y) of each image and class, nats: `[N][classes]`.
  public func logJoint(of batch: PixelBatch, in context: Context) -> [[Double]] {
    let each = (0..<classes).map { label in
      model.logProbability(
        of: batch.labelled(Array(repeating: label, count: batch.count)), in: context)
    }
    return (0..<batch.count).map { n in (0..<classes).map { logPrior[$0] + each[$0][n] } }
  }
}

extension ClassMixture {
  private func next(after batch: PixelBatch, in context: Context) -> any PixelDistribution {
    guard let memory = context.memory else { preconditionFailure("the next of what?") }
    let state = memory.state(of: owner) {
      State(
        memories: (0..<classes).map {
          model.memory(images: memory.images, labels: Array(repeating: $0, count: memory.images))
        },
        logWeights: logPrior.map { Array(repeating: $0, count: memory.images) })
    }
    if batch.dimension > 0 { state.observe(batch.symbols, batch.dimension, in: context) }
    let members = state.memories.map {
      model.next(after: batch.symbols, in: context.remembering($0))
    }
    (state.latest, state.said) = (members, memory.images)
    state.rows = Array(0..<memory.images)
    return mixed(members, images: memory.images) { label, visit in
      for weight in state.logWeights[label] { visit(weight) }
    }
  }

  /// A memory for each class, and how well each has foretold the images so far.
  private final class State: LayerState {
    let memories: [Memory]
    /// log p(y, x so far): `[classes][N]`.
    var logWeights: [[Double]]
    /// What each class said of the next step, of how many images, and which of those is each image.
    var latest: [any PixelDistribution] = []
    var said = 0
    var rows: [Int] = []

    init(memories: [Memory], logWeights: [[Double]]) {
      (self.memories, self.logWeights) = (memories, logWeights)
    }

    /// Weighs the classes by what has become known, `[N, count]`.
    func observe(_ symbols: [UInt8], _ count: Int, in context: Context) {
      // Copies of an image share what was said of it: each round asks it about one of them.
      var left = Array(rows.indices)
      while !left.isEmpty {
        var asked = [Int?](repeating: nil, count: said)
        var others: [Int] = []
        for n in left {
          if asked[rows[n]] == nil { asked[rows[n]] = n } else { others.append(n) }
        }
        ask(asked, symbols, count, in: context)
        left = others
      }
    }

    private func ask(_ asked: [Int?], _ symbols: [UInt8], _ count: Int, in context: Context) {
      let told = asked.flatMap { n in
        n.map { Array(symbols[$0 * count..<($0 + 1) * count]) }
          ?? [UInt8](repeating: 0, count: count)
      }
      for (y, member) in latest.enumerated() {
        let terms = member.logProbability(of: told, in: context).value.values
        for case (let row, let n?) in asked.enumerated() {
          for i in 0..<count { logWeights[y][n] += terms[row * count + i] }
        }
      }
    }

    func copy(of images: [Int]) -> State {
      let copy = State(
        memories: memories.map { $0.copy(of: images) },
        logWeights: logWeights.map { weights in images.map { weights[$0] } })
      (copy.latest, copy.said, copy.rows) = (latest, said, images.map { rows[$0] })
      return copy
    }
  }
}
