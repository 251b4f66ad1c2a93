import Foundation
import Heads
import Images
import Layers
import Tensors

/// One setting of a model family: `--set name=value`.
public struct Setting: Sendable {
  public enum Kind: Sendable {
    /// A whole number from 1.
    case count
    /// Whole numbers from 1, comma-separated.
    case counts
    /// A number from 0 to below 1.
    case fraction
    /// `on` or `off`.
    case toggle
    /// One of these words.
    case choice([String])
  }

  public let name: String
  public let kind: Kind
  public let defaultValue: String
  /// What runs have that were trained before there was the setting; nil: the default.
  let before: String?
  public let help: String

  init(
    _ name: String, _ kind: Kind, default defaultValue: String, before: String? = nil,
    _ help: String
  ) {
    self.name = name
    self.kind = kind
    self.defaultValue = defaultValue
    self.before = before
    self.help = help
  }
}

/// A kind of model, its settings, and how to build one.
public struct ModelFamily: Sendable {
  public let name: String
  public let summary: String
  public let settings: [Setting]
  /// Defaults for training: images a step, highest learning rate, and whether bfloat16 activations
  /// pay.
  public let batch: Int
  public let learningRate: Double
  public let prefersBFloat16: Bool
  /// By which rule its weights move best.
  public let optimiser: OptimiserName
  /// Whether it can tell all channels of a pixel at once, as heads of whole pixels want.
  public let tellsPixels: Bool
  /// The one head that it takes and no other family; nil for one that takes those of all.
  public let ownHead: Head.Kind?
  /// The heads that it takes of those that are no family's own; nil for all.
  public let heads: [Head.Kind]?
  /// Whether its weights come in closed form, without steps: `ClosedForm`.
  public let isClosedForm: Bool
  /// Whether it tells the classes of images, p(y | x), and nothing of the images themselves.
  public let isClassifier: Bool
  let make: @Sendable (ModelSpecification, _ seed: UInt64, Scope) throws -> any LearnedModel

  init(
    name: String, summary: String, settings: [Setting], batch: Int, learningRate: Double,
    prefersBFloat16: Bool = false, optimiser: OptimiserName = .adamw, tellsPixels: Bool = true,
    ownHead: Head.Kind? = nil, heads: [Head.Kind]? = nil, isClosedForm: Bool = false,
    isClassifier: Bool = false,
    make: @escaping @Sendable (ModelSpecification, UInt64, Scope) throws -> any LearnedModel
  ) {
    self.name = name
    self.summary = summary
    self.settings = settings
    self.batch = batch
    self.learningRate = learningRate
    self.prefersBFloat16 = prefersBFloat16
    self.optimiser = optimiser
    self.tellsPixels = tellsPixels
    self.ownHead = ownHead
    self.heads = heads
    self.isClosedForm = isClosedForm
    self.isClassifier = isClassifier
    self.make = make
  }

  /// Every family of densities.
  public static let all = [
    FVSBN.family, NADE.family, DeepNADE.family, MADE.family, RecurrentNetwork.family,
    PixelRNN.family, PixelCNN.family, LocalPixelCNN.family, GatedPixelCNN.family,
    PixelCNNPlus.family, PixelSNAIL.family, Transformer.family, Gaussian.family,
    ContextMixing.family,
  ]

  /// Every family of classifiers.
  public static let classifiers = [ResidualClassifier.family]

  /// All that can be trained.
  static let known = all + classifiers
}

/// Everything that makes a model's architecture: what a run's configuration keeps.
public struct ModelSpecification: Codable, Equatable, Sendable {
  public let name: String
  /// Values of the family's settings by name; defaults are filled in.
  public let settings: [String: String]
  public let head: Head
  public let image: ImageShape
  /// Classes of images that its layers are told, or that a classifier tells, 2 … 10 000; nil: none.
  public let classes: Int?
  /// How many of `Order.all(of: image)` its layers are told, 2 … 8; nil: raster order alone, and nothing
  /// is told.
  public let orders: Int?
  /// Keys the draws of first weights and masks.
  public let seed: UInt64

  /// What `classes` can be.
  public static let classCounts = 2...10_000

  /// - Throws: `ModelError` for an unknown model or setting, or a head that the model does not take.
  public init(
    name: String, settings: [String: String] = [:], head: Head, image: ImageShape,
    classes: Int? = nil, orders: Int? = nil, seed: UInt64 = 0
  ) throws {
    guard let family = ModelFamily.named(name) else { throw ModelError.unknownModel(name) }
    for key in settings.keys.sorted() where !family.settings.contains(where: { $0.name == key }) {
      throw ModelError.unknownSetting(key, of: name, known: family.settings.map(\.name))
    }
    self.name = name
    self.settings = Dictionary(
      uniqueKeysWithValues: family.settings.map { ($0.name, settings[$0.name] ?? $0.defaultValue) })
    self.head = head
    self.image = image
    self.classes = classes
    self.orders = orders
    self.seed = seed
    if let classes, !Self.classCounts.contains(classes) {
      throw ModelError.count("classes", expected: Self.classCounts, found: classes)
    }
    let possible = Order.all(of: image).count
    if let orders, !(2...possible).contains(orders) {
      throw ModelError.count("orders of \(image)", expected: 2...possible, found: orders)
    }
    if let orders, !family.takesOrders {
      throw ModelError.ordersOf(name, found: orders)
    }
    try family.require(head.kind, of: image)
    for setting in family.settings {
      switch setting.kind {
      case .count: _ = try count(setting)
      case .counts: _ = try counts(setting)
      case .fraction: _ = try fraction(setting)
      case .toggle: _ = try isOn(setting)
      case .choice: _ = try choice(setting)
      }
    }
  }

  private enum CodingKeys: String, CodingKey {
    case name, settings, head, image, classes, orders, seed
  }

  /// - Throws: `DecodingError` for what is no model: a configuration comes from the world.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .name)
    var settings = try container.decode([String: String].self, forKey: .settings)
    for setting in ModelFamily.named(name)?.settings ?? [] where settings[setting.name] == nil {
      settings[setting.name] = setting.before
    }
    do {
      self = try ModelSpecification(
        name: name, settings: settings,
        head: container.decode(Head.self, forKey: .head),
        image: container.decode(ImageShape.self, forKey: .image),
        classes: container.decodeIfPresent(Int.self, forKey: .classes),
        orders: container.decodeIfPresent(Int.self, forKey: .orders),
        seed: container.decode(UInt64.self, forKey: .seed))
    } catch let error as ModelError {
      throw DecodingError.dataCorruptedError(
        forKey: .name, in: container, debugDescription: error.description)
    }
  }

  /// Builds the density with its first weights.
  /// - Throws: `ModelError` for a setting that is out of range, a model that this machine cannot hold, and
  ///   a classifier.
  public func build(in store: ParameterStore) throws -> any DensityModel {
    guard let density = try learned(in: store) as? any DensityModel else {
      throw ModelError.noDensity(name)
    }
    return density
  }

  /// Builds the model, a density or a classifier, with its first weights.
  /// - Throws: `ModelError` for a setting that is out of range or a model that this machine cannot
  ///   hold.
  public func learned(in store: ParameterStore) throws -> any LearnedModel {
    let bytes = try bytesToTrain()
    let memory = ProcessInfo.processInfo.physicalMemory
    guard UInt64(bytes) < memory else {
      throw ModelError.memory(
        name, image, levels: head.levels, needed: bytes, found: Int(clamping: memory))
    }
    return try made(in: store)
  }

  /// Every order of every class is told as a class of its own.
  private func made(in store: ParameterStore) throws -> any LearnedModel {
    let told = family.isClassifier ? 0 : orders.map { $0 * (classes ?? 1) } ?? classes ?? 0
    let model = try family.make(self, seed, store.root.told(classes: told))
    guard let orders, let density = model as? any DensityModel else { return model }
    return OrderedModel(density, orders: Array(Order.all(of: image).prefix(orders)))
  }

  /// What the log-likelihood of an image is of: its sub-pixels, or a label.
  public var dimension: Int { family.isClassifier ? 1 : image.dimension }

  /// About how much memory the weights take in training, bytes: beside themselves gradient, two
  /// moments, the average and perhaps a mask.
  /// - Throws: `ModelError` for a setting that is out of range, or images that are.
  public func bytesToTrain() throws -> Int {
    // Products of these sides and of settings within their limit fit in 64 bits.
    let limit = 1 << 26
    guard image.dimension <= limit else {
      throw ModelError.imagesTooLarge(name, image, most: limit)
    }
    let store = ParameterStore.measuring()
    _ = try made(in: store)
    let bytes = store.elementCount.multipliedReportingOverflow(by: 24)
    return bytes.overflow ? .max : bytes.partialValue
  }

  /// Whether the model has kernels of convolutions, which Muon moves.
  /// - Throws: `ModelError` for a setting that is out of range.
  public func hasKernels() throws -> Bool {
    let store = ParameterStore.measuring()
    _ = try made(in: store)
    return store.hasKernels
  }

  /// The family of the model.
  public var family: ModelFamily {
    guard let family = ModelFamily.named(name) else {
      preconditionFailure("a specification of an unknown model, \(name)")
    }
    return family
  }

  func count(_ setting: Setting) throws -> Int {
    let values = try counts(setting)
    guard values.count == 1 else {
      throw ModelError.setting(
        setting.name, of: name, expected: "one whole number", found: settings[setting.name] ?? "")
    }
    return values[0]
  }

  func fraction(_ setting: Setting) throws -> Double {
    let text = settings[setting.name] ?? setting.defaultValue
    guard let value = Double(text), value >= 0, value < 1 else {
      throw ModelError.setting(
        setting.name, of: name, expected: "a number 0 ≤ x < 1", found: text)
    }
    return value
  }

  func isOn(_ setting: Setting) throws -> Bool {
    let text = settings[setting.name] ?? setting.defaultValue
    guard text == "on" || text == "off" else {
      throw ModelError.setting(
        setting.name, of: name, expected: "on or off", found: text)
    }
    return text == "on"
  }

  func choice(_ setting: Setting) throws -> String {
    guard case .choice(let words) = setting.kind else {
      preconditionFailure("setting \(setting.name) is no choice")
    }
    let text = settings[setting.name] ?? setting.defaultValue
    guard words.contains(text) else {
      throw ModelError.setting(
        setting.name, of: name, expected: "one of \(words.joined(separator: ", "))", found: text)
    }
    return text
  }

  func counts(_ setting: Setting) throws -> [Int] {
    let text = settings[setting.name] ?? setting.defaultValue
    let values = text.split(separator: ",", omittingEmptySubsequences: false).map {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
    let limit = 1 << 18
    guard values.allSatisfy({ $0 != nil && $0! >= 1 && $0! <= limit }) else {
      throw ModelError.setting(
        setting.name, of: name, expected: "whole numbers 1 ... \(limit)", found: text)
    }
    return values.map { $0! }
  }
}
