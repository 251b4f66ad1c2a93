import Heads
import Images
import Models
import Tensors

/// What is asked of a training: where the images are, and the run that is to hold what they teach.
///
/// What is left nil is chosen: by what the images look like, by the model, or, where a run is gone on
/// with, by the run, which nothing that is given may contradict.
public struct TrainingRequest: Sendable {
  public enum Binarization: String, CaseIterable, Sendable {
    case threshold, stochastic
  }

  /// A folder of images, or a file of many.
  public var data: String
  /// The folder of the run.
  public var run: String

  // MARK: The model

  /// A family of `ModelFamily.all`; nil: pixelcnn, or local-pixelcnn of crops.
  public var model: String?
  /// Of the model, by name.
  public var settings: [String: String] = [:]
  public var head: Head.Kind?
  /// Levels of a sub-pixel, 2 … 256.
  public var levels: Int?
  /// Of a head that mixes several.
  public var components: Int?
  public var binarization: Binarization?
  /// A run whose weights to start from; what is left open of the model and its images is as there.
  public var from: String?
  /// The rank of additions to the weights of that run, which stay as they are; nil: all are trained.
  public var adapters: Int?

  // MARK: The images

  /// Brings images to this size.
  public var size: (width: Int, height: Int)?
  /// Learns from random crops of this size, of images of any.
  public var crop: (width: Int, height: Int)?
  /// Of the images that crops are taken of, 0 < scale ≤ 1.
  public var scale: Double?
  /// Whether crops are mirrored and turned upside down.
  public var flips = true
  /// 1 (grey) or 3 (RGB); nil: as they are.
  public var channels: Int?
  /// How training images that are learned whole are changed at random.
  public var augmentation: Augmentation?
  /// In how many orders images that are learned whole are told, 1 … 8; nil: in one.
  public var orders: Int?
  /// Images to validate on; nil for a tenth of `data`.
  public var validation: String?
  /// How many images are set aside; nil for as many as `HoldOut` thinks right.
  public var holdOut: Int?
  /// What keeps images on one side: "folder", or a regular expression in their names.
  public var groupBy: String?
  /// Whether images are labelled by their first-level subfolder.
  public var usesClasses = false
  /// Whether a file that cannot be read is an error.
  public var strict = false
  /// Whether links to folders outside of `data` are followed.
  public var followsLinks = false

  // MARK: The training

  /// Passes over the images; of this and `minutes` one at most.
  public var epochs: Int?
  public var minutes: Double?
  /// Epochs without a better validation that end it; 0: never.
  public var patience: Int?
  /// Images a step.
  public var batch: Int?
  public var learningRate: Double?
  /// By which rule weights move; nil: by the model's.
  public var optimiser: OptimiserName?
  public var weightDecay: Double?
  /// Of activations.
  public var precision: Precision?
  /// Keys every draw; nil: 0, or the run's own.
  public var seed: UInt64?

  // MARK: The job

  /// Whether to go on with the run, or take a finished one further.
  public var resumes = false
  /// Whether it may be larger or slower than most people want.
  public var mayBeLarge = false
  /// Seconds of training that a crash can cost.
  public var checkpointInterval = 60.0
  /// Whether to measure what a run takes that is gone on with. A new one's is measured always.
  public var measuresCost = true

  public init(data: String, run: String) {
    self.data = data
    self.run = run
  }

  /// The family where none is asked for: of whole images.
  public static let usualModel = "pixelcnn"

  var isOfClassifier: Bool {
    model.flatMap { ModelFamily.named($0) }?.isClassifier == true
  }

  /// Whether images come with labels.
  var readsClasses: Bool { usesClasses || isOfClassifier }

  var learnsCrops: Bool { crop != nil || scale != nil }

  /// Nothing says what is to be learned, or how.
  var leavesChoice: Bool {
    model == nil && head == nil && levels == nil && binarization == nil && size == nil
      && channels == nil && settings.isEmpty && !usesClasses && from == nil
  }
}
