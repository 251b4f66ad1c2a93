import ArgumentParser
import Heads
import Jobs
import Tensors

struct Train: ParsableCommand {
  @Argument(help: "The images to learn: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @Option(name: .customLong("run"), help: "The folder to make for the run.")
  var runPath: String

  @Option(help: "Model family; see scanline models. (default: pixelcnn)")
  var model: String?

  @Option(help: "Distribution of a sub-pixel. (default: bernoulli or categorical)")
  var head: Head.Kind?

  @Option(help: "Levels of a sub-pixel, 2 ... 256. (default: 256)")
  var levels: Int?

  @Option(help: "Components of a mixture head. (default: 10)")
  var components: Int?

  @Option(help: "Make images binary: at mid-grey, or by a fresh draw each epoch.")
  var binarize: TrainingRequest.Binarization?

  @Option(help: "Bring images to this size, WxH.")
  var size: Size?

  @Option(
    help: ArgumentHelp(
      "Learn from random crops of this size, of images of any size. (default: see above)",
      valueName: "WxH"))
  var crop: Size?

  @Option(
    help: ArgumentHelp(
      "The scale of images that crops are taken at, up to 1. (default: 0.5 of large ones)",
      valueName: "scale"), transform: decimal)
  var scale: Double?

  @Flag(help: "Take crops as they are, neither mirrored nor turned upside down.")
  var noFlips = false

  @OptionGroup var changes: ChangeOptions

  @Option(help: "Bring images to gray or rgb. (default: as they are)")
  var channels: Channels?

  @Option(help: "Images to validate on. (default: a tenth of DATA, split by content)")
  var validation: String?

  @Option(help: "Images to set aside; 0: none. (default: 10 %, or up to 250 of fewer)")
  var holdOut: Int?

  @Option(help: "Keep images on one side by folder, or by a regular expression in their names.")
  var groupBy: String?

  @Option(help: "Passes over the images. (default: 20, more of few images)")
  var epochs: Int?

  @Option(help: "Minutes to train instead.", transform: decimal)
  var minutes: Double?

  @Option(
    help: ArgumentHelp(
      """
      Epochs without a better validation that end the training; 0: never. (default: 10, if they are \
      a tenth of it)
      """,
      valueName: "epochs"))
  var patience: Int?

  @Option(help: "Images a step. (default: the model's)")
  var batch: Int?

  @Option(help: "Highest learning rate. (default: the model's)", transform: decimal)
  var learningRate: Double?

  @Option(help: "By which rule weights move. (default: the model's)")
  var optimiser: OptimiserName?

  @Option(help: "Decoupled weight decay. (default: the model's)", transform: decimal)
  var weightDecay: Double?

  @Option(help: "Precision of activations. (default: bfloat16 where it pays)")
  var precision: PrecisionName?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: "A setting of the model, name=value; may be repeated.")
  var settings: [String] = []

  @Flag(
    help: """
      Learn each class by its label: the first-level subfolder (images elsewhere are skipped), the IDX \
      file of labels beside the images, or that of a CIFAR record or .amat line.
      """)
  var classes = false

  @OptionGroup var start: StartOptions

  @OptionGroup var reading: ReadingOptions

  @Flag(help: "Begin a training that is larger or slower than most people want.")
  var large = false

  @Flag(help: "Go on with the run from its last checkpoint, or take a finished one further.")
  var resume = false

  @Option(
    name: .customLong("checkpoint-every"),
    help: ArgumentHelp(
      "Seconds of training that a crash can cost. (default: 60)", valueName: "seconds"),
    transform: decimal)
  var checkpointInterval: Double = 60

  @OptionGroup var common: CommonOptions
}
