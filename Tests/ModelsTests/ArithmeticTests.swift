import Heads
import Layers
import Models
import TestSupport
import Testing

/// The count of multiply-adds that benchmarks divide by the clock.
@Suite struct Arithmetic {
  private func model(
    _ name: String, _ settings: [String: String] = [:], _ head: Head = .bernoulli,
    _ image: ImageShape = ImageShape(height: 28, width: 28, channels: 1)
  ) throws -> (any DensityModel, ParameterStore) {
    let store = ParameterStore(seed: 1)
    let specification = try ModelSpecification(
      name: name, settings: settings, head: head, image: image)
    return (try specification.build(in: store), store)
  }

  @Test("FVSBN has a weight for each earlier sub-pixel")
  func fvsbn() throws {
    #expect(try model("fvsbn").0.multiplyAdds == 784 * 783 / 2)
  }

  @Test("NADE updates an activation and reads it, a sub-pixel")
  func nade() throws {
    #expect(try model("nade", ["hidden": "500"]).0.multiplyAdds == 2 * 784 * 500)
    #expect(
      try model("nade", ["hidden": "7"], .categorical(5)).0.multiplyAdds == 784 * 7 * (1 + 5))
  }

  @Test("the residual PixelCNN that peers are compared on: 0.90 GFLOP")
  func pixelcnn() throws {
    let settings = ["blocks": "15", "channels": "64", "position": "off"]
    let found = try model("pixelcnn", settings).0.multiplyAdds
    // First layer 24 taps of 49; 3×3 kernels 5 of 9.
    let block = 128 * 64 + 5 * 64 * 64 + 64 * 128
    #expect(found == 784 * (24 * 128 + 15 * block + 128 * 128 + 128))
    #expect(abs(2 * Double(found) / 1e9 - 0.90) < 0.005)
  }

  @Test(
    "every live weight of a matrix is used once, of a convolution once a pixel",
    arguments: ModelCase.small)
  func live(_ modelCase: ModelCase) throws {
    let (model, parameters) = try modelCase.build(precision: .float64)
    // A class has a bias, which nothing is multiplied by.
    let weights = parameters.filter {
      $0.shape.rank > 1 && ($0.decays || !$0.learns) && !$0.name.hasSuffix("classes")
    }
    let live = weights.reduce(0) { $0 + ($1.mask ?? $1.value).values.count { $0 != 0 } }
    let pixels = modelCase.image.height * modelCase.image.width
    // An estimate a template and decision, whatever the table holds.
    if let context = model as? ContextMixing {
      #expect(context.multiplyAdds % modelCase.image.dimension == 0)
      return
    }
    if modelCase.name == "pixelcnn++" {
      // By the level in a parameter's name; the way back up is computed at the coarser one.
      let expected = weights.reduce(0) { sum, weight in
        let digit = weight.name.hasPrefix("level") ? Int(weight.name.dropFirst(5).prefix(1))! : 0
        let level = weight.name.contains("doubled") ? digit + 1 : digit
        func halved(_ side: Int) -> Int { (0..<level).reduce(side) { side, _ in (side + 1) / 2 } }
        let places = halved(modelCase.image.height) * halved(modelCase.image.width)
        return sum + places * (weight.mask ?? weight.value).values.count { $0 != 0 }
      }
      #expect(model.multiplyAdds == expected)
    } else if let extra = try attended(modelCase, model) {
      let positions = modelCase.name == "transformer" ? model.steps : pixels
      #expect(model.multiplyAdds == live * positions + extra)
    } else if modelCase.name == "deep-nade" {
      let around = weights.filter { $0.name.hasPrefix("neighbourhood") }
        .reduce(0) { $0 + $1.value.count }
      // A half of the images are asked for what a random choice leaves, the others for a line.
      let line = modelCase.image.width * modelCase.image.channels
      let asked = Double(model.dimension) / 4 + Double(line) / 2
      #expect(model.multiplyAdds == live - around + Int(asked * Double(around)))
    } else if modelCase.settings["masks"] == nil && modelCase.settings["orders"] == nil {
      let uses =
        switch modelCase.name {
        case "gaussian": 2
        case "rnn": model.steps
        case let name where name.hasSuffix("pixelcnn") || name == "pixelrnn": pixels
        default: 1
        }
      #expect(model.multiplyAdds == live * uses)
      #expect(model.passesPerLikelihood == 1)
    } else {
      // The masks of the moment are not the parameters'.
      #expect(model.multiplyAdds <= live)
      #expect(model.passesPerLikelihood == Int(modelCase.settings["masks"] ?? "1"))
    }
  }

  /// Multiply-adds of attention, for the models that have some: positions up to each one's own, a key and
  /// a value each.
  private func attended(_ modelCase: ModelCase, _ model: any DensityModel) throws -> Int? {
    let positions: Int
    let (layers, each): (String, Int)
    switch modelCase.name {
    case "transformer":
      positions = model.steps
      (layers, each) = ("layers", 2 * Int(modelCase.settings["channels"]!)!)
    case "pixelsnail":
      positions = modelCase.image.height * modelCase.image.width
      (layers, each) = (
        "blocks", Int(modelCase.settings["keys"]!)! + Int(modelCase.settings["values"]!)!
      )
    default: return nil
    }
    return Int(modelCase.settings[layers]!)! * each * positions * (positions + 1) / 2
  }

  @Test("deep NADE trains by one pass, and takes a pass a sub-pixel to score")
  func deepNADE() throws {
    let plain = try model("deep-nade", ["hidden": "500,500", "neighbourhood": "off"]).0
    #expect(plain.multiplyAdds == 500 * (2 * 784 + 500 + 784))
    // Two columns of the first layer, all of the second, a row of the last.
    #expect(plain.passesPerLikelihood == 784 * (500 * (2 + 500 + 1)) / plain.multiplyAdds)

    let found = try model("deep-nade", ["hidden": "500,500"]).0
    let around = 2 * 49 * 128 + 128 * 64 + 64
    #expect(found.multiplyAdds == plain.multiplyAdds + around * (784 / 4 + 28 / 2))
    #expect(
      found.passesPerLikelihood == 784 * (500 * (2 + 500 + 1) + around) / found.multiplyAdds)
  }

  @Test("a unit of MADE multiplies by what it may see, in the mean over the masks")
  func made() throws {
    let image = ImageShape(height: 3, width: 3, channels: 1)
    let made = try #require(
      try model("made", ["hidden": "16,19", "masks": "3"], .categorical(4), image).0 as? MADE)
    let inputs = Array(1...9)
    let outputs = (0..<9 * 4).map { $0 / 4 }
    let direct = outputs.reduce(0, +)
    let live = made.degrees.map { hidden in
      let layers = [inputs] + hidden + [outputs]
      return zip(layers, layers.dropFirst()).reduce(0) { sum, pair in
        sum + pair.1.reduce(0) { $0 + pair.0.count { [degree = $1] in $0 <= degree } }
      }
    }
    #expect(made.multiplyAdds == direct + live.reduce(0, +) / 3)
  }
}
