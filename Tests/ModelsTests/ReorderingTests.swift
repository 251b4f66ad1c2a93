import CPU
import Foundation
import Generation
import Heads
import Images
import Layers
import Models
import Tensors
import TestSupport
import Testing

/// Densities that tell images in several orders.
@Suite struct ReorderingTests {
  private static let cases: [ModelCase] = [
    ModelCase(
      name: "deep-nade", settings: ["hidden": "7,5", "raster": "0", "lines": "0"], head: .bernoulli,
      image: ImageShape(height: 3, width: 3, channels: 1)),
    ModelCase(
      name: "deep-nade", settings: ["hidden": "6"], head: .categorical(3),
      image: ImageShape(height: 1, width: 2, channels: 3)),
    ModelCase(
      name: "made", settings: ["hidden": "13", "orders": "4"], head: .bernoulli,
      image: ImageShape(height: 3, width: 3, channels: 1)),
    ModelCase(
      name: "made", settings: ["hidden": "11,9", "orders": "3", "masks": "2"],
      head: .categorical(3), image: ImageShape(height: 1, width: 2, channels: 3)),
    ModelCase(
      name: "made", settings: ["hidden": "8", "orders": "3", "lines": "off"], head: .bernoulli,
      image: ImageShape(height: 2, width: 3, channels: 1)),
    ModelCase(
      name: "made", settings: ["hidden": "9", "orders": "3"],
      head: .logisticMixture(2, components: 2), image: ImageShape(height: 1, width: 3, channels: 3)),
  ]

  private func model(_ modelCase: ModelCase, _ precision: Precision) throws -> any Reordering {
    try #require(try modelCase.build(precision: precision).model as? any Reordering)
  }

  /// Every image of a tiny shape.
  private func all(_ modelCase: ModelCase) -> PixelBatch {
    let (d, levels) = (modelCase.image.dimension, modelCase.head.levels)
    let count = (0..<d).reduce(1) { product, _ in product * levels }
    return PixelBatch(
      count: count, height: modelCase.image.height, width: modelCase.image.width,
      channels: modelCase.image.channels, levels: levels,
      symbols: (0..<count).flatMap { code in
        (0..<d).map { i in UInt8((0..<i).reduce(code) { rest, _ in rest / levels } % levels) }
      })
  }

  @Test("the images of each order sum to one, and those of the mean of orders", arguments: cases)
  func sums(_ modelCase: ModelCase) throws {
    let model = try model(modelCase, .float32)
    let context = Context(Engine(CPUBackend.shared, .float32))
    let all = all(modelCase)
    for number in 0..<3 {
      #expect(
        model.order(number).sorted().elementsEqual(0..<modelCase.image.dimension))
      let logs = model.telling(inOrder: number).logProbability(
        of: all.told(in: model.order(number)), in: context)
      #expect(abs(logs.reduce(0) { $0 + exp($1) } - 1) < 1e-5, "order \(number)")
    }
    #expect(model.order(0).elementsEqual(0..<modelCase.image.dimension))
    #expect(model.order(1) != model.order(2))
    let mean = model.logProbability(of: all, orders: 3, in: context)
    #expect(abs(mean.reduce(0) { $0 + exp($1) } - 1) < 1e-5)
    #expect(mean != model.logProbability(of: all, in: context))
  }

  @Test("the mean is that of probabilities", arguments: cases)
  func mean(_ modelCase: ModelCase) throws {
    let model = try model(modelCase, .float64)
    let context = Context(.reference)
    let batch = modelCase.randomBatch(3)
    let each = (0..<3).map { number in
      model.telling(inOrder: number).logProbability(
        of: batch.told(in: model.order(number)), in: context)
    }
    let expected = (0..<3).map { n in log(each.reduce(0) { $0 + exp($1[n]) } / 3) }
    expectClose(
      model.logProbability(of: batch, orders: 3, in: context), expected, tolerance: 1e-12)
  }

  @Test("in any order one step at a time is the whole pass, to the bit", arguments: cases)
  func steps(_ modelCase: ModelCase) throws {
    let context = Context(Engine(CPUBackend.shared, .float32))
    let model = try model(modelCase, .float32)
    for number in 0..<3 {
      let told = model.telling(inOrder: number)
      let quick = try Sampler(told, in: context, seed: 3).draw(count: 6)
      let plain = try Sampler(told, in: context, seed: 3, path: .plain).draw(count: 6)
      #expect(quick == plain)
    }
  }

  @Test(
    "orders by lines: eight from the corners, then drawn directions, each even one and its opposite"
  )
  func lines() throws {
    let made = ModelCase(
      name: "made", settings: ["hidden": "3", "orders": "16"], head: .bernoulli,
      image: ImageShape(height: 4, width: 5, channels: 1))
    let orders = (0..<16).map(try model(made, .float32).order)
    #expect(Set(orders).count == 16)
    #expect(Set(orders.prefix(8)) == Set(Order.allCases.map { $0.pixels(height: 4, width: 5) }))
    for (number, order) in orders.enumerated() {
      #expect(order.sorted().elementsEqual(0..<20))
      if number % 2 == 1 { #expect(order == orders[number - 1].reversed()) }
      // By columns a line is 4 pixels of one column, by rows 5 of one row.
      let byColumns = number / 2 % 2 == 1
      let length = byColumns ? 4 : 5
      for start in stride(from: 0, to: 20, by: length) {
        let line = order[start..<start + length]
        #expect(Set(line.map { byColumns ? $0 % 5 : $0 / 5 }).count == 1)
        #expect(line.elementsEqual(line.sorted()) || line.elementsEqual(line.sorted(by: >)))
      }
    }
  }

  @Test("opposite orders of MADE share no weight")
  func opposite() throws {
    let modelCase = ModelCase(
      name: "made", settings: ["hidden": "40", "orders": "2"], head: .bernoulli,
      image: ImageShape(height: 3, width: 4, channels: 1))
    let (model, parameters) = try modelCase.build(precision: .float64)
    let order = try #require(model as? any Reordering).order
    #expect(order(1) == order(0).reversed())
    let batch = modelCase.randomBatch(30)
    let gradients = (0..<2).map { step in
      let context = Context(.reference, mode: .training(step: step, seed: 0), tape: Tape())
      let logs = model.conditionals(batch, in: context).logProbability(of: batch, in: context)
      return context.gradients(of: logs, seed: 1)
    }
    let matrices = parameters.filter { $0.decays && $0.shape.rank == 2 }
    #expect(matrices.count == 3)
    for parameter in matrices {
      let each = try gradients.map { try #require($0[parameter]).values }
      #expect(zip(each[0], each[1]).allSatisfy { $0 == 0 || $1 == 0 }, "\(parameter.name)")
      #expect(each.allSatisfy { $0.contains { $0 != 0 } }, "\(parameter.name)")
    }
  }

  @Test("a run of before a setting has what models did without it")
  func settingsOfBefore() throws {
    for (name, setting, now, then) in [
      ("made", "lines", "on", "off"), ("deep-nade", "neighbourhood", "on", "off"),
      ("deep-nade", "lines", "0.25", "0"),
    ] {
      let today = try ModelSpecification(
        name: name, head: .bernoulli, image: ImageShape(height: 2, width: 2, channels: 1))
      #expect(today.settings[setting] == now)
      var json = try #require(
        try JSONSerialization.jsonObject(with: JSONEncoder().encode(today)) as? [String: Any])
      var settings = try #require(json["settings"] as? [String: String])
      settings[setting] = nil
      json["settings"] = settings
      let before = try JSONDecoder().decode(
        ModelSpecification.self, from: JSONSerialization.data(withJSONObject: json))
      #expect(before.settings[setting] == then)
    }
  }

  @Test("what deep NADE is trained on is, in the mean, the likelihood over all orders")
  func unbiased() throws {
    let modelCase = Self.cases[0]
    let model = try model(modelCase, .float32)
    let batch = modelCase.randomBatch(1)
    let context = Context(Engine(CPUBackend.shared, .float32))
    let orders = 600
    let expected =
      (1...orders).reduce(0.0) { sum, number in
        sum
          + model.telling(inOrder: number).logProbability(
            of: batch.told(in: model.order(number)), in: context)[0]
      } / Double(orders)
    let steps = 20_000
    var (sum, squares) = (0.0, 0.0)
    for step in 0..<steps {
      let training = Context(
        Engine(CPUBackend.shared, .float32), mode: .training(step: step, seed: 1))
      let nats = model.logProbability(of: batch, in: training)[0]
      (sum, squares) = (sum + nats, squares + nats * nats)
    }
    let mean = sum / Double(steps)
    let error = ((squares / Double(steps) - mean * mean) / Double(steps)).squareRoot()
    // Four standard errors, and as much for the orders of the mean.
    #expect(abs(mean - expected) < 4 * error + 0.05, "\(mean) ± \(error), expected \(expected)")
  }
}
