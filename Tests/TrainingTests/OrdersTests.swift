import Images
import Models
import TestSupport
import Testing
import Training

/// Trainings whose batches are told in several orders.
@Suite(.serialized) struct OrdersTests {
  private let several = TrainingCase(
    model: "nade", settings: ["hidden": "7"], pixels: .threshold, orders: 4)

  @Test func aStoppedRunReachesTheSameBits() throws {
    let folder = TemporaryFolder()
    try several.train(at: folder.file("whole"))
    try several.train(at: folder.file("stopped"), stops: [8, 3])
    try expectSameRuns(folder.file("stopped"), folder.file("whole"))
  }

  @Test("batches come in each of the orders, as the key says, and are the same images")
  func batches() throws {
    let plain = several.training
    let changed = plain.changed(as: try several.configuration())
    func batch(_ first: Int, _ epoch: Int, _ images: any TrainingImages) -> PixelBatch {
      images.batch(Array(first..<first + 2), as: .threshold, epoch: epoch, seed: 3)
    }
    var orders: [Order: Int] = [:]
    for epoch in 0..<10 {
      for first in 0..<20 {
        let found = batch(first, epoch, changed)
        #expect(found == batch(first, epoch, changed))
        #expect(found.reordered(as: .raster) == batch(first, epoch, plain))
        orders[found.order, default: 0] += 1
      }
    }
    // 5 × 4 pixels are told by rows alone; 50 batches are expected in each order.
    #expect(Set(orders.keys) == Set(Order.allCases.filter { !$0.byColumns }))
    #expect(orders.values.allSatisfy { (25...80).contains($0) }, "\(orders)")
  }

  @Test func moreThanTheImagesHaveAreRefused() throws {
    var tooMany = several
    tooMany.orders = 5
    let error = #expect(throws: ModelError.self) { try tooMany.configuration() }
    #expect(error?.description == "orders of 4x5x1: expected 2 ... 4, found 5")
  }
}
