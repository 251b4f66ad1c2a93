import ArgumentParser
import Images
import Training

/// Over how many orders the probability of an image is averaged.
struct OrdersOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Average the probability of each image over so many orders of its pixels that the run knows: those"
        + " it was trained in, or any number of deep-nade. (default: 1)", valueName: "count"))
  var orders = 1

  func validate() throws {
    try expect("--orders", orders, "1 or more") { $0 >= 1 }
  }

  /// Refuses more than any of the runs knows.
  func orders(of runs: [TrainedModel]) throws -> Int {
    let known = runs.map { $0.model.knownOrders ?? orders }.max() ?? orders
    if orders > known {
      let those = runs.map(\.run.path).joined(separator: ", ")
      throw ValidationError(
        "--orders: expected at most \(known), in which \(those) was trained, found \(orders)")
    }
    return orders
  }
}

/// In which order images are drawn.
struct OrderOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Draw in this one of the orders that the run was trained in; 1 is row by row. (default: 1)",
      valueName: "number"))
  var order = 1

  func validate() throws {
    try expect("--order", order, "1 ... 8") { (1...8).contains($0) }
  }

  /// Refuses one that the run at a path was not trained in.
  func order(of trained: TrainedModel, at path: String) throws -> Order {
    let known = trained.configuration.orders
    guard order <= known.count else {
      throw ValidationError(
        "--order: expected at most \(known.count), in which \(path) was trained, found \(order)")
    }
    return known[order - 1]
  }
}
