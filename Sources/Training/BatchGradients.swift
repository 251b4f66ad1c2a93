import Layers
import Tensors

/// What a batch, or a part of one, wants of the weights: the gradient of its nats divided by the images
/// of the whole, so that parts, of this process or of others, are summed and nothing more.
public struct BatchGradients {
  /// Negative log-likelihood, the sum over the images of the part, nats.
  public var nats: Double
  /// Images of the whole batch.
  public let images: Int
  /// Of an image: sub-pixels, or one label.
  public let dimension: Int
  let gradients: Gradients
  private let parameters: [Parameter]
  private let backend: any Backend

  init(
    nats: Double, images: Int, dimension: Int, gradients: Gradients, parameters: [Parameter],
    backend: any Backend
  ) {
    self.nats = nats
    self.images = images
    self.dimension = dimension
    self.gradients = gradients
    self.parameters = parameters
    self.backend = backend
  }

  /// The gradient of each parameter that the batch depends on, in the order of the model's parameters:
  /// the same list for every batch of a model. Their elements may be replaced, by sums over processes
  /// say (`Tensor.withMutableBytes`); zeros under a mask have to stay zeros.
  public var tensors: [(name: String, gradient: Tensor)] {
    parameters.compactMap { parameter in
      gradients[parameter].map { (parameter.name, $0) }
    }
  }

  /// Adds another part of the same batch; this one's tensors then hold the sums.
  public mutating func add(_ other: BatchGradients) {
    precondition(
      images == other.images && dimension == other.dimension,
      "parts of batches of \(images) and \(other.images) images")
    nats += other.nats
    for (sum, part) in zip(tensors, other.tensors) {
      precondition(sum.name == part.name, "gradients of \(sum.name) and of \(part.name)")
      backend.add(part.gradient, into: sum.gradient)
    }
  }
}
