import ArgumentParser
import Images
import Training

/// Over how many orders the probability of an image is averaged.
struct OrdersOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Average the probability of each image over so many of the orders that the run was trained in."
        + " (default: 1)", valueName: "count"))
  var orders = 1

  func validate() throws {
    try expect("--orders", orders, "1 ... 8") { (1...8).contains($0) }
  }

  /// Refuses more than the run at a path was trained in.
  func orders(of trained: TrainedModel, at path: String) throws -> [Order] {
    try trained.require("--orders", orders, of: path)
    return Array(trained.configuration.orders.prefix(orders))
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
    try trained.require("--order", order, of: path)
    return trained.configuration.orders[order - 1]
  }
}

extension TrainedModel {
  fileprivate func require(_ flag: String, _ number: Int, of path: String) throws {
    let known = configuration.orders.count
    guard number > known else { return }
    throw ValidationError(
      "\(flag): expected at most \(known), in which \(path) was trained, found \(number)")
  }
}
