import TestSupport
import Testing

@Suite(.enabled(if: Command.path != nil, Command.missing)) struct Help {
  @Test("scanline --help is what it was")
  func snapshot() throws {
    let outcome = try Workplace().scanline("--help")
    #expect(outcome.status == 0)
    #expect(
      outcome.out == """
        OVERVIEW: Learns the probability of images, draws new ones, finds the odd ones.

        DATA is a folder of PNG/JPEG files, an IDX file, a CIFAR binary file, an .amat
        text matrix (each also .gz) or a .npy array. RUN is the folder that train
        makes.

        Exit status: 0 done, 1 the work failed, 3 flagged or changed, 64 wrong usage;
        stopped by a signal, 128 and its number: 130 after Ctrl-C.

        USAGE: scanline <subcommand>

        OPTIONS:
          --version               Show the version.
          -h, --help              Show help information.

        SUBCOMMANDS:
          train                   Learn the density of a set of images.
          sample                  Draw new images.
          complete                Fill in what is missing of images.
          evaluate                Measure how likely a set of images is, or how well
                                  its classes are told.
          score                   Write the scores of each image to a CSV file.
          calibrate               Store the scores of held-out normal images in a run.
          flag                    Find the images that do not belong, at a false-alarm
                                  rate of your choice.
          merge                   Make one report, or one table, of all shards.
          compare                 Measure how well each score tells other images from
                                  normal ones.
          drift                   Find whether images have changed, taken together.
          attack                  Move images so that a classifier takes them for what
                                  they are not.
          purify                  Move odd images, a little, toward what a run holds
                                  likely.
          verify                  Prove what a run claims.
          info                    Say what a run is.
          curves                  Draw how trainings went, several runs in one plot.
          export                  Make a small copy of a run for others to use, with a
                                  card.
          models                  Say what can be trained, and with which settings.
          benchmark               Measure the speed of models on this machine.

          See 'scanline help <subcommand>' for detailed help.

        """)
  }

  @Test(
    "every verb has help and the common flags",
    arguments: [
      "train", "sample", "complete", "evaluate", "score", "calibrate", "flag", "merge", "compare",
      "drift", "attack", "purify", "verify", "info", "curves", "export", "models", "benchmark",
    ])
  func verbs(_ verb: String) throws {
    let outcome = try Workplace().scanline(verb, "--help")
    #expect(outcome.status == 0)
    for flag in ["--json", "--quiet", "--threads", "--seed"] {
      #expect(outcome.out.contains(flag), "\(verb) lacks \(flag)")
    }
  }

  @Test(
    "wrong usage is refused with status 64",
    arguments: [
      ["nonsense"], ["train"], ["train", "a", "--run", "b", "--epochs", "0"],
      ["train", "a", "--run", "b", "--epochs", "1", "--minutes", "1"],
      ["train", "a", "--run", "b", "--levels", "1"], ["train", "a", "--run", "b", "--size", "8"],
      ["train", "a", "--run", "b", "--head", "none"], ["train", "a", "--run", "b", "--set", "x"],
      ["sample", "a"], ["sample", "a", "--out", "b", "--count", "0"],
      ["sample", "a", "--out", "b", "--count", "1000000000000"], ["sample", "a", "--out", ""],
      ["sample", "a", "--out", "-"], ["flag", "a", "b", "--out", ""], ["train", "", "--run", "b"],
      ["train", "a", "--run", ""], ["train", "a", "--run", "b", "--patience", "-1"],
      ["score", "a", "b", "--out", ""], ["score", "a", "b", "--out", "-"], ["evaluate", ""],
      ["help", "nosuch"],
      ["sample", "a", "--out", "b", "--temperature", "0"],
      ["sample", "a", "--out", "b", "--temperature", "nan"],
      ["sample", "a", "--out", "b", "--top-p", "1.5"],
      ["sample", "a", "--out", "b", "--top-k", "0"],
      ["sample", "a", "--out", "b", "--greedy", "--beam", "2"],
      ["sample", "a", "--out", "b", "--beam", "2", "--count", "3"], ["evaluate", "a"],
      ["evaluate", "a", "b", "--threads", "0"], ["evaluate", "a", "b", "--seed", "-1"],
      ["score", "a", "b"], ["flag", "a", "b"], ["merge", "a"], ["merge", "--out", "a"],
      ["flag", "a", "b", "--out", "c", "--shard", "1/2", "--fail-if-flagged"],
      ["flag", "a", "b", "--out", "c", "--false-alarm-rate", "0"],
      ["flag", "a", "b", "--out", "c", "--false-alarm-rate", "nan"],
      ["compare", "a", "--in", "b"], ["info"], ["models", "more"],
      ["benchmark", "--model", "nonsense"], ["benchmark", "--set", "hidden=3"],
      ["benchmark", "--model", "pixelcnn", "--set", "blocks=3,channels=4"],
      ["benchmark", "--model", "nade", "--set", "blocks=3"], ["benchmark", "--only", "training"],
      ["benchmark", "--only", ""], ["benchmark", "--seconds", "0"],
      ["benchmark", "--seconds", "nan"],
      ["benchmark", "--steps", "0"], ["benchmark", "--steps", "1", "--only", "score"],
      ["benchmark", "--size", "0x1"], ["benchmark", "--batch", "0"],
      ["benchmark", "--levels", "1"],
      ["benchmark", "--levels", "3", "--head", "bernoulli"],
      ["benchmark", "--precision", "float64"], ["benchmark", "a", "b"],
    ])
  func usage(_ arguments: [String]) throws {
    try Workplace().scanline(arguments).expectFailure(naming: [], status: 64)
  }

  @Test(
    "a value that is wrong is named, whatever it looks like",
    arguments: [
      (
        ["train", "a", "--run", "b", "--epochs", "-3"],
        "--epochs: expected 1 ... 1000000000, found -3"
      ),
      (["train", "a", "--run", "b", "--minutes", "-1e3"], "--minutes: expected more than 0"),
      (["sample", "a", "--out", ""], "--out: expected a path, found an empty text"),
      (["sample", "a", "--out", "-"], "--out: expected a path, found -"),
      (
        ["sample", "a", "--out", "b", "--count", "1000000000000"],
        "--count: expected 1 ... 10000000"
      ),
      (
        ["train", "a", "--run", "b", "--minutes", "0x10"],
        "'0x10' is invalid for '--minutes <minutes>': expected a decimal number"
      ),
      (["train", "a", "--run", "b", "--scale", "0x.8p0"], "expected a decimal number"),
      (["train", "a", "--run", "b", "--learning-rate", "-0x1"], "expected a decimal number"),
      (["train", "a", "--run", "b", "--weight-decay=0X1"], "expected a decimal number"),
      (["train", "a", "--run", "b", "--checkpoint-every", "0x1"], "expected a decimal number"),
      (["sample", "a", "--out", "b", "--temperature", "0x1"], "expected a decimal number"),
      (["sample", "a", "--out", "b", "--top-p", "0x1p-1"], "expected a decimal number"),
      (["flag", "a", "b", "--out", "c", "--false-alarm-rate", "0x0.1"], "a decimal number"),
      (["flag", "a", "b", "--out", "c", "--false-discovery-rate", "0x0.1"], "a decimal number"),
      (["benchmark", "--seconds", "0x1"], "expected a decimal number"),
      (["benchmark", "--seconds", "1s"], "expected a decimal number"),
      (["train", "a", "--run", "b", "--epochs", "1", "--minutes", "1"], "one of them, found both"),
      (
        ["train", "a", "--run", "b", "--levels", "3", "--head", "bernoulli"],
        "--levels: expected the 2 of --head bernoulli, found 3"
      ),
      (["help", "nosuch"], "help: expected one of train, sample, "),
      (["help", "nosuch"], "found nosuch"),
    ])
  func values(_ arguments: [String], _ words: String) throws {
    try Workplace().scanline(arguments).expectFailure(naming: [words], status: 64)
  }

  /// A line ends where the next word would not fit, not where it was broken in the source.
  @Test(
    "paragraphs of help fill their lines",
    arguments: [
      "train", "sample", "complete", "evaluate", "score", "calibrate", "flag", "compare", "verify",
      "benchmark",
    ])
  func paragraphs(_ verb: String) throws {
    let help = try Workplace().scanline(verb, "--help").out
    let text = try #require(help.components(separatedBy: "\nUSAGE:").first)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count > 4)
    for (line, next) in zip(lines, lines.dropFirst()) where !line.isEmpty {
      // Examples are broken where their commands end.
      guard !next.hasPrefix("and then:"), let word = next.split(separator: " ").first
      else { continue }
      #expect(line.count + 1 + word.count >= 80, "\(verb): \(line)")
    }
  }

  @Test("help of a verb is its --help")
  func helpOfVerbs() throws {
    let outcome = try Workplace().scanline("help", "score")
    #expect(outcome.status == 0 && outcome.out.hasPrefix("OVERVIEW: Write the scores"))
  }

  @Test("models lists every family with its settings")
  func models() throws {
    let object = try Workplace().scanline("models", "--json").object()
    let models = try #require(object["models"] as? [[String: Any]])
    let names = Set(models.compactMap { $0["name"] as? String })
    #expect(
      names.isSuperset(of: [
        "fvsbn", "nade", "made", "pixelcnn", "local-pixelcnn", "gated-pixelcnn", "transformer",
        "pixelsnail", "pixelcnn++", "rnn", "pixelrnn",
      ]))
    for model in models { #expect(model["settings"] is [[String: Any]]) }
  }
}
