import ArgumentParser

/// A training that starts from another run.
struct StartOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Start from the weights of this run, as which all is that is not asked for otherwise.",
      valueName: "run"))
  var from: String?

  @Option(
    help: ArgumentHelp(
      """
      Leave the weights of --from as they are, and learn additions of this rank to them, in a small file \
      that needs that run.
      """, valueName: "rank"))
  var adapters: Int?
}
