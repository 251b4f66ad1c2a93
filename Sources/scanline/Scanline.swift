import ArgumentParser

@main
struct Scanline: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scanline",
    abstract: "Learns the probability of images, draws new ones, finds the odd ones.",
    discussion: """
      DATA is a folder of PNG/JPEG files, an IDX file, a CIFAR binary file, an .amat text matrix \
      (each also .gz) or a .npy array. RUN is the folder that train makes.

      Exit status: 0 done, 1 the work failed, 3 flagged or changed, 64 wrong usage; stopped by a signal, 128 \
      and its number: 130 after Ctrl-C.
      """,
    version: "0.1.0",
    subcommands: [
      Train.self, Sample.self, Complete.self, Evaluate.self, ScoreImages.self, Calibrate.self,
      FlagImages.self, MergeShards.self, CompareSets.self, Drift.self, AttackImages.self,
      Purify.self, Verify.self,
      Info.self, Curves.self, Export.self, ModelList.self, BenchmarkModels.self,
    ])

  static func main() {
    Waiting.beBrief()
    Interruption.listen()
    do {
      var command = try parseAsRoot(understood(Array(CommandLine.arguments.dropFirst())))
      try command.run()
    } catch let error as CommandError where error.isStop {
      Console.write("\(error)\n")
      exit(withError: Interruption.exitCode)
    } catch {
      exit(withError: error)
    }
  }
}
