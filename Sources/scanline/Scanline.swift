import ArgumentParser

@main
struct Scanline: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scanline",
    abstract: "Learns the probability of images, draws new ones, finds the odd ones.",
    discussion: """
      DATA is a folder of PNG/JPEG files, an IDX file, a CIFAR binary file, an .amat text matrix \
      (each also .gz) or a .npy array. RUN is the folder that train makes.

      Exit status: 0 done, 1 the work failed, 3 flagged, 64 wrong usage.
      """,
    version: "0.1.0",
    subcommands: [
      Train.self, Sample.self, Evaluate.self, ScoreImages.self, Calibrate.self, FlagImages.self,
      CompareSets.self,
      Info.self, ModelList.self, BenchmarkModels.self,
    ])

  static func main() {
    Waiting.beBrief()
    main(nil)
  }
}
