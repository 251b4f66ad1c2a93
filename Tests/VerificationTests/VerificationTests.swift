import CPU
import Heads
import Images
import Layers
import Models
import Tensors
import TestSupport
import Testing
import Verification

/// Every claim holds of every model that there is, and each fails of one in which something is planted.
@Suite(.serialized) struct Verifications {
  static func verification(
    _ model: any DensityModel, _ specification: ModelSpecification? = nil
  ) -> Verification {
    Verification(
      model, specification, in: Context(Engine(CPUBackend.shared, .float32)), seed: 4, images: 40)
  }

  @Test("every family is verified with every head that it takes, grey and in colour")
  func complete() {
    func named(_ family: String, _ kind: Head.Kind, _ channels: Int) -> String {
      "\(family) \(kind), \(channels) channels"
    }
    for (cases, colours) in [(ModelCase.small, [1, 3]), (ModelCase.shipped, [1])] {
      let verified = Set(cases.map { named($0.name, $0.head.kind, $0.image.channels) })
      for family in ModelFamily.all {
        for kind in Head.Kind.allCases {
          for channels in colours
          where family.takes(kind, of: ImageShape(height: 4, width: 4, channels: channels)) {
            #expect(verified.contains(named(family.name, kind, channels)))
          }
        }
      }
    }
  }

  @Test("every claim holds", arguments: ModelCase.small + ModelCase.shipped)
  func holds(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float32, spread: 0.1)
    let specification = try ModelSpecification(
      name: modelCase.name, settings: modelCase.settings, head: modelCase.head,
      image: modelCase.image, classes: modelCase.classes)
    let claims = try #require(try Self.verification(model, specification).claims())
    for claim in claims {
      #expect(claim.holds, "\(claim.kind.rawValue): \(claim.evidence)")
    }
    #expect(Set(claims.map(\.kind)) == Set(Claim.Kind.allCases))
    // What counts is no sum of intensities.
    let causal = try #require(claims.first { $0.kind == .causal })
    #expect(causal.evidence.contains("derivative") == (modelCase.name != "context"))
    #expect(Self.verification(model, specification).receptiveField().leaks == 0)
  }

  private func planted(_ fault: Planted.Fault) throws -> [Claim.Kind] {
    let modelCase = ModelCase(
      name: "pixelcnn", settings: ["blocks": "1", "channels": "6"], head: .categorical(5),
      image: ImageShape(height: 5, width: 6, channels: 1))
    let (model, _) = try modelCase.build(precision: .float32, spread: 0.6)
    let claims = try Self.verification(Planted(model, fault)).claims()
    return try #require(claims).filter { !$0.holds }.map(\.kind)
  }

  @Test("nothing planted, nothing found")
  func sound() throws { #expect(try planted(.none) == []) }

  @Test("a forgotten shift is found: outputs see their own sub-pixel")
  func shift() throws { #expect(try planted(.shiftForgotten).contains(.causal)) }

  @Test("a weight that is too small to move a bit is found by its derivative")
  func faintLeak() throws { #expect(try planted(.faintLeak) == [.causal]) }

  @Test("a mask that includes the centre where it must not is found")
  func maskBForA() throws {
    let store = ParameterStore(seed: 3)
    let claims = try Self.verification(SeesItself(store)).claims()
    #expect(try #require(claims).contains { $0.kind == .causal && !$0.holds })
    #expect(Self.verification(SeesItself(ParameterStore(seed: 3))).receptiveField().leaks > 0)
  }

  @Test("a memory that is one sub-pixel late is found")
  func cache() throws { #expect(try planted(.memoryLate) == [.incremental, .samples]) }

  @Test("a head that does not sum to one is found")
  func sum() throws { #expect(try planted(.doesNotSum).contains(.sumsToOne)) }

  @Test("a sampler of something else than what is scored is found")
  func samples() throws { #expect(try planted(.drawsTheLikely) == [.samples]) }

  @Test("a draw that depends on the one before is found")
  func neighbours() throws { #expect(try planted(.drawsAlike) == [.samples]) }

  @Test("the first residual PixelCNN has a blind spot, and one that sees all has none")
  func blindSpot() throws {
    func field(_ name: String, _ settings: [String: String]) throws -> ReceptiveField {
      let modelCase = ModelCase(
        name: name, settings: settings, head: .bernoulli,
        image: ImageShape(height: 11, width: 11, channels: 1))
      return Self.verification(try modelCase.build(precision: .float32, spread: 0.1).model)
        .receptiveField(images: 12)
    }
    let made = try field("made", ["hidden": "200"])
    #expect(made.seen == made.earlier)
    // Reach 2: two whole rows of five above, two pixels to the left.
    let local = try field("local-pixelcnn", ["reach": "2"])
    #expect(local.seen == 12)
    let picture = local.picture
    #expect(picture.width == picture.height && picture.width % 11 == 0)
    let scale = picture.width / 11
    func colour(_ row: Int, _ column: Int) -> [UInt8] {
      let first = ((row * scale + scale / 2) * picture.width + column * scale + scale / 2) * 3
      return Array(picture.pixels[first..<first + 3])
    }
    #expect(colour(5, 5) == [0, 0, 0])
    #expect(colour(5, 6) == [224, 224, 224])
    #expect(colour(0, 0) == [253, 174, 97])
    #expect(colour(4, 5)[2] > colour(4, 5)[0])
  }
}
