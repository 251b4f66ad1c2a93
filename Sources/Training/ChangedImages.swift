import Images
import Randomness

/// Training images that are changed at random, anew in each epoch, and a batch at a time told in one of
/// several orders. What is drawn is keyed by seed, epoch and image, or the first image of a batch.
struct ChangedImages: TrainingImages {
  let images: any TrainingImages
  let augmentation: Augmentation?
  let orders: [Order]

  var count: Int { images.count }
  var byteCount: Int { images.byteCount }
  var contentHash: String { images.contentHash }
  var fingerprints: [UInt64] { images.fingerprints }
  var imagesByClass: [String: Int]? { images.imagesByClass }

  func batch(
    _ indices: [Int], as pixels: PixelEncoding, epoch: Int, seed: UInt64
  ) -> PixelBatch {
    var batch = images.batch(indices, as: pixels, epoch: epoch, seed: seed)
    if let augmentation {
      batch = augmentation.applied(to: batch, indices: indices, epoch: epoch, seed: seed)
    }
    guard orders.count > 1, let first = indices.first else { return batch }
    var random = RandomStream(seed: seed, "order", epoch, first)
    return batch.reordered(as: orders[random.integer(below: orders.count)])
  }
}

extension TrainingImages {
  /// These images as a training of the configuration takes them.
  package func changed(as configuration: RunConfiguration) -> any TrainingImages {
    let orders = configuration.orders
    let augmentation = configuration.training.augmentation
    guard augmentation != nil || orders.count > 1 else { return self }
    return ChangedImages(images: self, augmentation: augmentation, orders: orders)
  }
}
