import ArgumentParser
import Images

/// How training images are changed at random, and in which orders they are told.
struct ChangeOptions: ParsableArguments {
  @Flag(help: "Mirror half of the training images, left to right, anew in each epoch.")
  var flip = false

  @Option(
    help: ArgumentHelp(
      "Move training images by up to so many pixels each way; what comes in repeats the edge.",
      valueName: "pixels"))
  var shift: Int?

  @Flag(help: "Turn training images, which are square, by 0 ... 3 quarters.")
  var rotate = false

  @Option(
    help: ArgumentHelp(
      "Tell each batch in one of so many orders, 1 ... 8, by rows or columns from a corner. (default: 1)",
      valueName: "count"))
  var orders: Int?

  /// Nil where images are left as they are.
  var augmentation: Augmentation? {
    let asked = Augmentation(flips: flip, shift: shift ?? 0, rotates: rotate)
    return flip || rotate || shift != nil ? asked : nil
  }
}
