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
  /// log of the mean over some orders of the joint probability of each image, nats. Each order's
  /// probabilities of all images sum to one, so their mean does. (A mean of conditionals over orders, or
  /// of logarithms, is no density.)
  public func logProbability(
    of batch: PixelBatch, over orders: [Order], in context: Context
  ) -> [Double] {
    precondition(!orders.isEmpty, "a mean needs a member")
    let all = orders.map { logProbability(of: batch.reordered(as: $0), in: context) }
    guard all.count > 1 else { return all[0] }
    return (0..<batch.count).map { image in
      let values = all.map { $0[image] }
      let top = values.max()!
      // Impossible in every order, or no number.
      guard top > -.infinity else { return top }
      return top + log(values.reduce(0) { $0 + exp($1 - top) } / Double(values.count))
    }
  }
}
