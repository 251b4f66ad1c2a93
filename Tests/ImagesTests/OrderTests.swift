import Images
import Testing

@Suite struct OrderTests {
  /// Two images of 2 x 3 pixels in colour, whose numbers tell all of them apart.
  private let batch = PixelBatch(
    count: 2, height: 2, width: 3, channels: 3, levels: 256,
    symbols: (0..<36).map { UInt8($0) }, labels: [4, 1])

  @Test func eachOrderOnASmallImage() {
    //  0 1 2
    //  3 4 5
    let expected = [
      [0, 1, 2, 3, 4, 5], [2, 1, 0, 5, 4, 3], [3, 4, 5, 0, 1, 2], [5, 4, 3, 2, 1, 0],
      [0, 3, 1, 4, 2, 5], [2, 5, 1, 4, 0, 3], [3, 0, 4, 1, 5, 2], [5, 2, 4, 1, 3, 0],
    ]
    #expect(Order.allCases.map { $0.pixels(height: 2, width: 3) } == expected)
    #expect(Set(Order.allCases).count == 8 && Order.allCases[0] == .raster)
    #expect(Order.raster.description == "rows from the top left")
    #expect(Order.allCases[7].description == "columns from the bottom right")
  }

  @Test(arguments: Order.allCases)
  func batchesGoThereAndBack(_ order: Order) {
    let turned = batch.reordered(as: order)
    #expect(turned.order == order && turned.labels == [4, 1])
    let sides = order.byColumns ? [3, 2] : [2, 3]
    #expect([turned.height, turned.width] == sides)
    // Channels stay together, and images apart.
    let pixels = order.pixels(height: 2, width: 3)
    var expected: [UInt8] = []
    for image in 0..<2 {
      for pixel in pixels {
        let first = image * 18 + pixel * 3
        expected += batch.symbols[first..<first + 3]
      }
    }
    #expect(turned.symbols == expected)
    #expect(turned.reordered(as: .raster) == batch)
    for other in Order.allCases {
      #expect(turned.reordered(as: other) == batch.reordered(as: other), "\(order) to \(other)")
    }
  }
}
