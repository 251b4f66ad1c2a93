import CPU
import Foundation
import Generation
import Heads
import Images
import Models
import Tensors
import TestSupport
import Testing

/// Models that are told orders draw in each of them, and score what they have drawn by the same numbers.
@Suite struct DrawingInOrders {
  private let context = Context(Engine(CPUBackend.shared, .float32))

  @Test(
    "incremental draws are the plain ones, bit for bit, in an order that is not the first",
    arguments: ModelCase.families(.bernoulli, ImageShape(height: 3, width: 3, channels: 1))
      .filter(\.takesOrders).map { $0.toldOrders() })
  func paths(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float32, spread: 0.8)
    let drawn = try Order.allCases.map { order in
      try Sampler(model.told(in: order), in: context, seed: 5).draw(count: 12)
    }
    let plain = try Sampler(model.told(in: Order.allCases[5]), in: context, seed: 5, path: .plain)
      .draw(count: 12)
    #expect(plain.symbols == drawn[5].symbols)
    // The model says of them what it says of images in that order.
    let told = PixelBatch(
      count: 12, height: 3, width: 3, channels: 1, levels: 2, symbols: plain.symbols,
      order: Order.allCases[5])
    #expect(
      model.logProbability(of: told, in: context)
        == model.told(in: Order.allCases[5]).logProbability(of: plain, in: context))
    #expect(Set(drawn.map(\.symbols)).count > 1)
  }
}
