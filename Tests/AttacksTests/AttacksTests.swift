import Attacks
import CPU
import Foundation
import Images
import Layers
import Models
import Tensors
import TestSupport
import Testing

/// Two classes of 4×4 images, dark and bright, and a network that has learned them by its weights alone.
private struct Case {
  let victim: Victim
  let images: [[Float]]
  let labels: [Int]
  static let image = ImageShape(height: 4, width: 4, channels: 1)

  init(images count: Int = 24) throws {
    let store = ParameterStore(seed: 3)
    let specification = try ModelSpecification(
      name: "resnet", settings: ["levels": "2", "channels": "4", "dropout": "0"],
      head: .categorical(256), image: Self.image, classes: 3)
    let model = try #require(try specification.learned(in: store) as? ResidualClassifier)
    for parameter in store.parameters
    where !parameter.decays || parameter.name.hasSuffix("outer/weight") {
      parameter.value.write(
        randomTensor(parameter.shape, .float32, parameter.name).values.map { 0.3 * $0 })
    }
    model.output.weight.value.write(
      randomTensor(model.output.weight.shape, .float32, "output").values.map { 3 * $0 })
    victim = Victim(model, on: Engine(CPUBackend.shared, .float32))
    images = (0..<count).map { n in
      randomTensor([16], .float64, "image \(n)").values.map {
        Float((255 * (0.5 + 0.4 * $0)).rounded() / 255)
      }
    }
    labels = victim.mostProbable(images)
  }

  func moved(_ attack: any Attack, seed: UInt64 = 1) throws -> [[Float]] {
    try #require(
      attack.moved(images, labels, numbers: 0..<images.count, by: victim, seed: seed) { _ in true })
  }

  /// Share of images that are no longer told right, as eight bits.
  func fooled(_ images: [[Float]]) -> Double {
    let told = victim.mostProbable(images.map { $0.map { (255 * $0).rounded() / 255 } })
    return Double(zip(told, labels).count { $0 != $1 }) / Double(labels.count)
  }
}

private func largest(_ a: [Float], _ b: [Float]) -> Float {
  zip(a, b).map { abs($0 - $1) }.max()!
}
private func length(_ a: [Float], _ b: [Float]) -> Float {
  zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
}

@Suite struct AttacksTests {
  @Test("no attack leaves its ball or the intensities", arguments: AttackMethod.allCases)
  func balls(_ method: AttackMethod) throws {
    guard !method.needsDensity else { return }
    let epsilon: Float = 20.0 / 255
    let found = try Case()
    let moved = try found.moved(method.attack(on: Case.image, epsilon: epsilon))
    #expect(moved.joined().allSatisfy { (0...1).contains($0) })
    for (a, b) in zip(moved, found.images) {
      switch method {
      case .none: #expect(a == b)
      case .pgdL2: #expect(length(a, b) <= epsilon * 1.0001)
      case .deepfool, .cw, .jpeg: break
      default: #expect(largest(a, b) <= epsilon * 1.0001)
      }
    }
    // The same again under the same seed, and its own for each image: in any batch.
    #expect(try found.moved(method.attack(on: Case.image, epsilon: epsilon)) == moved)
  }

  @Test("many steps fool more than one, a wider ball more than a narrow one, noise hardly")
  func strength() throws {
    let found = try Case(images: 48)
    func share(_ method: AttackMethod, _ epsilon: Float) throws -> Double {
      found.fooled(try found.moved(method.attack(on: Case.image, epsilon: epsilon / 255)))
    }
    let pgd = try [4, 16, 64].map { try share(.pgd, $0) }
    #expect(pgd == pgd.sorted() && pgd[2] > 0.9, "\(pgd)")
    #expect(try share(.fgsm, 16) <= pgd[1])
    #expect(try share(.uniform, 16) < pgd[1] && pgd[1] > 0.2, "\(pgd)")
    #expect(try share(.none, 16) == 0)
  }

  @Test("one step of the fast gradient sign method is that of the gradient, by finite differences")
  func gradientSigns() throws {
    let found = try Case(images: 6)
    let moved = try found.moved(GradientAttack.fgsm(epsilon: 0.05))
    func loss(_ image: [Float], _ n: Int) -> Double {
      Double(found.victim.loss(of: [image], [found.labels[n]])[0])
    }
    for n in 0..<6 {
      for place in 0..<16 {
        var (up, down) = (found.images[n], found.images[n])
        (up[place], down[place]) = (up[place] + 0.01, down[place] - 0.01)
        let slope = (loss(up, n) - loss(down, n)) / 0.02
        guard abs(slope) > 1e-2 else { continue }
        #expect((moved[n][place] > found.images[n][place]) == (slope > 0))
      }
    }
  }

  @Test("the smallest moves fool everything, as eight bits, and are shorter than others")
  func smallest() throws {
    let found = try Case()
    for method in [AttackMethod.deepfool, .cw] {
      let moved = try found.moved(method.attack(on: Case.image, epsilon: 1))
      #expect(found.fooled(moved) == 1, "\(method)")
      let mean = zip(moved, found.images).reduce(0) { $0 + length($1.0, $1.1) } / 24
      // As long a move in a random direction fools hardly anything.
      let blind = try found.moved(AttackMethod.uniform.attack(on: Case.image, epsilon: mean / 4))
      #expect(found.fooled(blind) < 0.5, "\(method) \(mean)")
    }
  }

  @Test("a stop is a stop")
  func stops() throws {
    let found = try Case(images: 3)
    for method in AttackMethod.allCases where !method.needsDensity {
      let moved = method.attack(on: Case.image, epsilon: 0.1).moved(
        found.images, found.labels, numbers: 0..<3, by: found.victim, seed: 1
      ) { _ in false }
      #expect(moved == nil, "\(method)")
    }
  }
}

/// Attackers who know the density.
@Suite struct AdaptiveAttacksTests {
  private func density() throws -> KnownDensity {
    let store = ParameterStore(seed: 5)
    let model = try ModelSpecification(
      name: "pixelcnn", settings: ["blocks": "1", "channels": "6"], head: .categorical(16),
      image: Case.image
    ).build(in: store)
    for parameter in store.parameters where parameter.name.hasPrefix("output") {
      parameter.value.write(
        randomTensor(parameter.shape, .float32, parameter.name).values.map { 0.5 * $0 })
    }
    return KnownDensity(model, on: Engine(CPUBackend.shared, .float32))
  }

  @Test("climbing the density's gradient makes images likelier")
  func gradient() throws {
    let density = try density()
    let images = try Case(images: 8).images
    func nats(_ images: [[Float]]) -> [Double] { density.logProbability(of: images) }
    var x = images
    for _ in 0..<20 {
      for (n, slope) in density.gradient(at: x).enumerated() {
        let length = slope.reduce(0) { $0 + $1 * $1 }.squareRoot()
        x[n] = zip(x[n], slope).map { min(1, max(0, $0 + 0.3 * $1 / length)) }
      }
    }
    for (before, after) in zip(nats(images), nats(x)) { #expect(after > before) }
  }

  @Test("who knows the detector is likelier than who does not, within the same ball")
  func detector() throws {
    let (found, density) = (try Case(), try density())
    let ball = AttackMethod.detector
    func attacked(_ method: AttackMethod) throws -> [[Float]] {
      try found.moved(
        method.attack(
          on: Case.image, epsilon: 0.25, density: method.needsDensity ? density : nil))
    }
    let (blind, knowing) = (try attacked(.pgd), try attacked(ball))
    for (a, b) in zip(knowing, found.images) { #expect(largest(a, b) <= 0.25 + 0.5 / 255) }
    #expect(found.fooled(knowing) > 0.8, "\(found.fooled(knowing))")
    let gain = zip(density.logProbability(of: knowing), density.logProbability(of: blind))
      .reduce(0) { $0 + $1.0 - $1.1 }
    #expect(gain > 0)
  }

  @Test("who knows the purifier gets through it more often than who does not")
  func purifier() throws {
    let (found, density) = (try Case(images: 48), try density())
    func behind(_ images: [[Float]]) throws -> Double {
      found.fooled(try #require(density.purified(images, reach: 1)))
    }
    func attacked(_ method: AttackMethod) throws -> [[Float]] {
      try found.moved(
        method.attack(
          on: Case.image, epsilon: 0.1, density: method.needsDensity ? density : nil,
          purifierEpsilon: 1.0 / 15))
    }
    let (blind, knowing) = (try behind(attacked(.pgd)), try behind(attacked(.purifier)))
    #expect(knowing > blind, "\(knowing) \(blind)")
  }
}
