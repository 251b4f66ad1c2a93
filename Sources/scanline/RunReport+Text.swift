extension RunReport {
  var text: String {
    let settings = settings.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    let validation = validationBitsPerDimension.value.map { bits in
      ", best validation \(fixed(bits, 4)) \(lossUnit(isClassifier))"
        + " (\(fixed(validationNatsPerImage.value ?? .nan, 2)) nats)"
    }
    let train = trainBitsPerDimension.value.map {
      ", train \(fixed($0, 4)) \(lossUnit(isClassifier))"
    }
    let byClass = (data.trainingImagesByClass ?? [:])
      .sorted { $0.key.compare($1.key, options: .numeric) == .orderedAscending }
    let listed = byClass.map { "\($0) \($1)" }.joined(separator: ", ")
    let classes = listed.isEmpty ? "" : ": " + listed
    let mixture = components.map { ", \($0) components" } ?? ""
    return [
      ("run", run),
      ("model", model + settings + (orders.map { ", \($0) orders" } ?? "")),
      ("images", "\(image)\(cropped), pixels \(pixels)"),
      ("head", "\(head), \(levels) levels\(mixture)"),
      ("parameters", "\(parameters)"),
      ("data", "\(data.path), \(data.trainingImages) images\(classes)"),
      ("validation", "\(data.validationPath ?? "split off"), \(data.validationImages) images"),
      ("set aside", setAside),
      ("training", (earlier.map(\.length) + [training.text]).joined(separator: ", then to ")),
      ("done", done + (train ?? "") + (validation ?? "")),
      (
        "calibrated",
        isClassifier
          ? "by temperature" : calibration.map { "\($0.images) images: \($0.data)" } ?? "no"
      ),
      ("files", files.joined(separator: " ")),
    ].map { $0.padding(toLength: 12, withPad: " ", startingAt: 0) + $1 }
      .joined(separator: "\n")
  }

  private var setAside: String {
    guard let held = data.heldOut else { return "no images" }
    return counted(held.images, "image") + (held.groupBy.map { ", by \($0)" } ?? "")
  }

  private var cropped: String {
    guard let crops else { return "" }
    return " crops at scale \(crops.scale)" + (experts ? ", both experts" : "")
  }

  private var done: String {
    guard let epochs, let steps else { return "not recorded" }
    let time = seconds.map { " in \(duration($0))" } ?? ""
    return "\(counted(epochs, "epoch")), \(counted(steps, "step"))\(time)"
  }
}
