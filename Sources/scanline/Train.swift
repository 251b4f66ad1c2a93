import ArgumentParser
import Heads

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Learn the density of a set of images.",
    discussion: """
      Example: scanline train photos --run runs/photos --model pixelcnn --size 32x32 --minutes 20

      Ctrl-C stops after the step under way, with a checkpoint; again, it ends at once. Then, or after
      a crash, the same DATA and RUN with --resume go on, and with --epochs reach the same weights as
      if nothing had happened. A stopped training ends with status 130 (TERM 143, HUP 129).

      Without flags that say what to learn, images of one size up to 64x64 are learned whole. Larger \
      ones get two experts, neither of them told what is odd: local-pixelcnn learns texture from \
      random crops at half their size, a Gaussian density what belongs where.

      Some images are set aside (of 240 or more), neither trained nor validated on: flag, score and \
      compare rank later ones among these. Near-duplicates stay on one side, and with --group-by all of a \
      folder, or all whose names have the same match of an expression (--group-by 'part-([0-9]+)').

      The weights kept are the best by validation, and a training ends early where validation does not
      improve. A finished run is taken further by --resume with a larger --epochs (or --minutes) than
      it had: from the best weights, by a learning rate that rises and falls anew over the rest.
      """)

  enum Binarization: String, CaseIterable, ExpressibleByArgument {
    case threshold, stochastic
  }

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
  var binarize: Binarization?

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
      valueName: "scale"))
  var scale: Double?

  @Flag(help: "Take crops as they are, neither mirrored nor turned upside down.")
  var noFlips = false

  @Option(help: "Bring images to gray or rgb. (default: as they are)")
  var channels: Channels?

  @Option(help: "Images to validate on. (default: a tenth of DATA, split by content)")
  var validation: String?

  @Option(help: "Images to set aside; 0: none. (default: 10 %, or up to 250 of fewer)")
  var holdOut: Int?

  @Option(help: "Keep images on one side by folder, or by a regular expression in their names.")
  var groupBy: String?

  @Option(help: "Passes over the images. (default: 20)")
  var epochs: Int?

  @Option(help: "Minutes to train instead.")
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

  @Option(name: .customLong("learning-rate"), help: "Highest rate of AdamW. (default: the model's)")
  var learningRate: Double?

  @Option(name: .customLong("weight-decay"), help: "Decoupled weight decay. (default: 0)")
  var weightDecay: Double?

  @Option(help: "Precision of activations. (default: bfloat16 where it pays)")
  var precision: PrecisionName?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: "A setting of the model, name=value; may be repeated.")
  var settings: [String] = []

  @Flag(
    help: """
      Label images by their first-level subfolder, without which they are skipped, and count them by \
      class; no model learns labels yet.
      """)
  var classes = false

  @OptionGroup var reading: ReadingOptions

  @Flag(help: "Begin a training that is larger or slower than most people want.")
  var large = false

  @Flag(help: "Go on with the run from its last checkpoint, or take a finished one further.")
  var resume = false

  @Option(
    name: .customLong("checkpoint-every"),
    help: ArgumentHelp("Seconds of training that a crash can cost.", valueName: "seconds"))
  var checkpointInterval: Double = 60

  @OptionGroup var common: CommonOptions

  var defaultModel: String { "pixelcnn" }

  func parsedSettings() throws -> [String: String] { try scanline.parsedSettings(settings) }
}
