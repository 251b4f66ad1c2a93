import CPU
import Foundation
import Heads
import Images
import Models
import Tensors
import TestSupport
import Testing

/// The mean over several orders is a density, whatever the family.
@Suite struct OrderAverageTests {
  private let context = Context(Engine(CPUBackend.shared, .float32))

  /// All images of a shape.
  private func all(_ image: ImageShape, levels: Int) -> PixelBatch {
    let count = (0..<image.dimension).reduce(1) { product, _ in product * levels }
    let symbols = (0..<count).flatMap { code in
      (0..<image.dimension).map { place in
        UInt8(code / Int(pow(Double(levels), Double(place))) % levels)
      }
    }
    return PixelBatch(
      count: count, height: image.height, width: image.width, channels: image.channels,
      levels: levels, symbols: symbols)
  }

  @Test(
    "probabilities of all tiny images, averaged over orders, sum to one",
    arguments: (ModelCase.families(.bernoulli, ImageShape(height: 3, width: 3, channels: 1))
      + ModelCase.families(.categorical(2), ImageShape(height: 1, width: 3, channels: 3))
      + ModelCase.families(.logisticMixture(3), ImageShape(height: 2, width: 2, channels: 1)))
      .filter(\.takesOrders).map { $0.toldOrders() })
  func sumsToOne(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float32)
    let orders = Order.all(of: modelCase.image)
    #expect(orders.count == (modelCase.image.height == modelCase.image.width ? 8 : 4))
    let images = all(modelCase.image, levels: modelCase.head.levels)
    let logs = model.logProbability(of: images, orders: orders.count, in: context)
    let sum = logs.reduce(0) { $0 + exp($1) }
    #expect(abs(sum - 1) < 1e-5)

    // It is the mean of what each order says by itself, and these differ.
    let each = orders.map { model.logProbability(of: images.reordered(as: $0), in: context) }
    let means = images.symbols.indices.prefix(images.count).map { n in
      log(each.reduce(0) { $0 + exp($1[n]) } / Double(each.count))
    }
    #expect(zip(logs, means).allSatisfy { abs($0 - $1) < 1e-9 * max(1, abs($1)) })
    for logs in each { #expect(abs(logs.reduce(0) { $0 + exp($1) } - 1) < 1e-5) }
    #expect(model.logProbability(of: images, orders: 1, in: context) == each[0])
    // It is told the order: the same symbols are another image in another.
    #expect(model.logProbability(of: images.said(orders[1]), in: context) != each[0])
    // A mean of logarithms would not do.
    let geometric = images.symbols.indices.prefix(images.count).reduce(0) { sum, n in
      sum + exp(each.reduce(0) { $0 + $1[n] } / Double(each.count))
    }
    #expect(geometric < 1 - 1e-4)
  }

  @Test("a model that is fitted knows raster order alone", arguments: ["gaussian", "context"])
  func refused(_ name: String) {
    #expect {
      try ModelSpecification(
        name: name, head: name == "context" ? .bernoulli : .normal(4),
        image: ImageShape(height: 2, width: 2, channels: 1), orders: 2)
    } throws: {
      "\($0)" == "orders of \(name): expected none, because it is fitted in closed form, found 2"
    }
  }

  @Test("of each class as well, and labels are not orders")
  func classes() throws {
    let image = ImageShape(height: 2, width: 2, channels: 1)
    let modelCase = ModelCase(
      name: "pixelcnn", settings: ["blocks": "1", "channels": "4"], head: .bernoulli, image: image,
      classes: 3
    ).toldOrders()
    let (model, parameters) = try modelCase.build(precision: .float32)
    let told = parameters.filter { $0.name.hasSuffix("classes") }
    #expect(!told.isEmpty && told.allSatisfy { $0.value.shape.sides[0] == 3 * 8 })
    let images = all(image, levels: 2)
    var seen: Set<[Double]> = []
    for label in 0..<3 {
      let batch = images.labelled(Array(repeating: label, count: images.count))
      for order in Order.allCases {
        let logs = model.logProbability(of: batch.reordered(as: order), in: context)
        #expect(abs(logs.reduce(0) { $0 + exp($1) } - 1) < 1e-5)
      }
      let logs = model.logProbability(of: batch, orders: Order.allCases.count, in: context)
      #expect(abs(logs.reduce(0) { $0 + exp($1) } - 1) < 1e-5)
      seen.insert(logs)
    }
    #expect(seen.count == 3)
  }
}

extension PixelBatch {
  /// The same symbols, said to be in another order.
  fileprivate func said(_ order: Order) -> PixelBatch {
    PixelBatch(
      count: count, height: height, width: width, channels: channels, levels: levels,
      symbols: symbols, labels: labels, order: order)
  }
}
