import Foundation
import Images
import Tensors

extension Order {
  /// The orders that one model can tell images of a shape in: all eight of square ones; of others those
  /// by rows alone, which leave height and width as they are.
  public static func all(of image: ImageShape) -> [Order] {
    image.height == image.width ? allCases : allCases.filter { !$0.byColumns }
  }
}

extension DensityModel {
  /// In how many orders the model can tell an image, the raster's first; nil: in all that there are.
  public var knownOrders: Int? {
    switch self {
    case let model as OrderedModel: model.orders.count
    case let mixture as ClassMixture: (mixture.model as? OrderedModel)?.orders.count ?? 1
    case let model as any Reordering: model.orderCount
    default: 1
    }
  }

  /// log of the mean over the first of the orders that the model knows of the joint probability of each
  /// image, nats. Each order's probabilities of all images sum to one, so their mean does. (A mean of
  /// conditionals over orders, or of logarithms, is no density.)
  public func logProbability(of batch: PixelBatch, orders: Int, in context: Context) -> [Double] {
    let each = logProbabilities(of: batch, orders: orders, in: context)
    if orders == 1 { return each[0] }
    return (0..<batch.count).map { image in
      logSumExp(each.map { $0[image] }) - log(Double(orders))
    }
  }

  /// log p of each image in each of the first orders that the model knows, nats, an array an order.
  package func logProbabilities(
    of batch: PixelBatch, orders: Int, in context: Context
  ) -> [[Double]] {
    precondition(
      orders >= 1 && knownOrders.map { orders <= $0 } ?? true, "\(orders) orders are not known")
    if orders == 1 { return [logProbability(of: batch, in: context)] }
    if let model = self as? any Reordering {
      return (0..<orders).map { number in
        model.telling(inOrder: number).logProbability(
          of: batch.told(in: model.order(number)), in: context)
      }
    }
    return Order.all(of: image).prefix(orders).map {
      logProbability(of: batch.reordered(as: $0), in: context)
    }
  }
}
