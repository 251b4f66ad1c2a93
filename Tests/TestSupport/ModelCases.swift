import Heads
import Images
import Layers
import Models
import Randomness
import Tensors
import Testing

/// One small model that every check goes through: each family, each head, grey and colour.
public struct ModelCase: Sendable, CustomTestStringConvertible {
  public let name: String
  public let settings: [String: String]
  public let head: Head
  public let image: ImageShape
  /// Classes that it is told; nil: none.
  public let classes: Int?
  /// Orders that it is told; nil: raster order alone.
  public var orders: Int?

  public init(
    name: String, settings: [String: String], head: Head, image: ImageShape, classes: Int? = nil
  ) {
    self.classes = classes
    self.name = name
    self.settings = settings
    self.head = head
    self.image = image
  }

  public var testDescription: String {
    let settings = settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let told =
      (classes.map { ["\($0) classes"] } ?? []) + (orders.map { ["\($0) orders"] } ?? [])
    return ([name] + settings + ["\(head.kind.rawValue)", "\(head.levels)", "\(image)"] + told)
      .joined(separator: " ")
  }

  /// Builds the model and moves all its live weights away from their first values, so that biases
  /// and zero-started weights matter too.
  public func build(precision: Precision, spread: Double = 0.3) throws -> (
    model: any DensityModel, parameters: [Parameter]
  ) {
    let store = ParameterStore(seed: 7, precision: precision)
    let specification = try ModelSpecification(
      name: name, settings: settings, head: head, image: image, classes: classes,
      orders: orders, seed: 7)
    let model = try specification.build(in: store)
    if let context = model as? ContextMixing {
      // Noise is no table of counts.
      context.fit(randomBatch(200, seed: 5), validation: nil)
      return (model, store.parameters)
    }
    for parameter in store.parameters {
      var random = RandomStream(seed: 11, "spread/\(parameter.name)")
      let mask = parameter.mask?.values
      parameter.value.write(
        parameter.value.values.enumerated().map { i, value in
          let moved = value + spread * (2 * random.uniform() - 1)
          return mask.map { $0[i] * moved } ?? moved
        })
    }
    return (model, store.parameters)
  }

  /// The classes of images, each in turn.
  public func labels(_ images: some Sequence<Int>) -> [Int]? {
    classes.map { classes in images.map { $0 % classes } }
  }

  /// Whether it is told orders: what is fitted in closed form is not.
  public var takesOrders: Bool { ModelFamily.named(name)?.isClosedForm == false }

  /// The same, told as many orders as its images have.
  public func toldOrders() -> ModelCase {
    var result = self
    result.orders = Order.all(of: image).count
    return result
  }

  /// The same, told classes.
  public func told(classes: Int) -> ModelCase {
    ModelCase(name: name, settings: settings, head: head, image: image, classes: classes)
  }

  /// Images of independent uniform symbols, of each class in turn.
  public func randomBatch(_ count: Int, seed: UInt64 = 3) -> PixelBatch {
    var random = RandomStream(seed: seed, "batch")
    return PixelBatch(
      count: count, height: image.height, width: image.width, channels: image.channels,
      levels: head.levels,
      symbols: (0..<count * image.dimension).map { _ in UInt8(random.integer(below: head.levels)) },
      labels: labels(0..<count))
  }

  /// Settings that make a family small, of some families several. One that is not here has its defaults.
  private static let smallSettings: [String: [[String: String]]] = [
    "fvsbn": [[:], ["stencil": "on"]],
    "nade": [["hidden": "5"], ["hidden": "4", "direct": "on", "units": "rectified"]],
    "made": [
      ["hidden": "17"], ["hidden": "16,19", "masks": "3"], ["hidden": "15", "orders": "2"],
      ["hidden": "18,13", "masks": "2", "near": "0.2"],
      ["hidden": "14", "masks": "2", "stencil": "on"],
    ],
    "deep-nade": [
      ["hidden": "6", "neighbour-units": "4,3", "reach": "1"],
      ["hidden": "7,5", "neighbourhood": "off"],
    ],
    "pixelcnn": [
      ["blocks": "2", "channels": "4"],
      ["blocks": "1", "channels": "3", "position": "off", "dropout": "0.3"],
    ],
    "local-pixelcnn": [["reach": "2", "channels": "5"]],
    "gated-pixelcnn": [
      ["layers": "3", "channels": "6", "first": "3"],
      ["layers": "2", "channels": "3", "skip": "off", "dropout": "0.3"],
    ],
    "transformer": [
      ["layers": "2", "channels": "6", "heads": "2", "dropout": "0.3"],
      ["layers": "1", "channels": "6", "heads": "3", "multiquery": "off"],
    ],
    "pixelsnail": [["blocks": "2", "units": "1", "channels": "5", "keys": "3", "values": "4"]],
    "pixelcnn++": [["levels": "3", "units": "1", "channels": "4", "dropout": "0.3"]],
    "rnn": [
      ["hidden": "5", "layers": "2", "dropout": "0.3"],
      ["hidden": "4", "cell": "gru", "context": "previous"], ["hidden": "3", "cell": "tanh"],
    ],
    "pixelrnn": [
      ["layers": "2", "channels": "3", "dropout": "0.3"],
      ["kind": "row", "layers": "1", "channels": "6", "position": "off"],
    ],
    "gaussian": [["directions": "3"]],
    "context": [["table": "10"]],
  ]

  /// Settings for heads whose distributions can be moved and stretched.
  private static let whitenedSettings: [String: [[String: String]]] = [
    "nade": [["hidden": "6", "units": "rectified", "direct": "on", "whiten": "on"]],
    "made": [["hidden": "13", "masks": "2", "whiten": "on"]],
  ]

  /// Settings for categorical heads.
  private static let categoricalSettings: [String: [[String: String]]] = [
    "pixelcnn++": [["levels": "2", "units": "1", "channels": "4", "palette": "on"]]
  ]

  /// Every family that takes such a head, of images of that shape, with some of its settings.
  public static func families(_ head: Head, _ image: ImageShape) -> [ModelCase] {
    ModelFamily.all.filter { $0.takes(head.kind, of: image) }.flatMap { family in
      let whitened = head.frame == nil ? [] : whitenedSettings[family.name] ?? []
      let categorical =
        head.kind == .categorical ? categoricalSettings[family.name] ?? [] : []
      return ((smallSettings[family.name] ?? [[:]]) + whitened + categorical).map {
        ModelCase(name: family.name, settings: $0, head: head, image: image)
      }
    }
  }

  /// Every head with every family, on shapes that include one sub-pixel, odd sides and colour.
  /// With classes on one grey and one coloured shape.
  public static let small: [ModelCase] =
    Head.Kind.allCases.flatMap { kind in
      smallShapes(kind).flatMap { head, height, width, channels in
        families(head, ImageShape(height: height, width: width, channels: channels))
      }
    } + ofClasses

  /// Every family, told classes.
  public static let ofClasses: [ModelCase] =
    [
      (Head.bernoulli, ImageShape(height: 3, width: 3, channels: 1)),
      (.categorical(3), ImageShape(height: 3, width: 2, channels: 3)),
      (.normal(6), ImageShape(height: 2, width: 3, channels: 1)),
    ].flatMap { head, image in families(head, image).map { $0.told(classes: 3) } }

  private static func smallShapes(_ kind: Head.Kind) -> [(Head, Int, Int, Int)] {
    switch kind {
    case .bernoulli: [(.bernoulli, 3, 3, 1), (.bernoulli, 2, 3, 3), (.bernoulli, 1, 1, 1)]
    case .categorical: [(.categorical(4), 2, 2, 1), (.categorical(3), 3, 4, 3)]
    case .logisticMixture:
      [
        (.logisticMixture(5, components: 3), 2, 3, 3),
        (.logisticMixture(7, components: 2), 3, 2, 1),
      ]
    case .gaussianMixture:
      [
        (.gaussianMixture(5, components: 3), 2, 3, 3),
        (.gaussianMixture(2, components: 2), 3, 2, 1),
      ]
    case .normal: [(.normal(6), 2, 3, 3), (.normal(2), 1, 1, 1)]
    default:
      [(Head(kind, levels: min(5, kind.levels.upperBound)), 2, 3, 3)]
        + [(Head(kind, levels: kind.levels.lowerBound), 3, 2, 1)]
    }
  }

  /// Every family with its default settings and every head at its most levels, and the sizes that are
  /// published, on images as small as their kernels allow.
  public static let shipped: [ModelCase] =
    ModelFamily.all.flatMap { family in
      Head.Kind.allCases.flatMap { kind in
        (kind == .bernoulli ? [(12, 11, 1)] : [(5, 6, 1), (4, 5, 3)]).map {
          ModelCase(
            name: family.name, settings: [:], head: Head(kind, levels: kind.levels.upperBound),
            image: ImageShape(height: $0.0, width: $0.1, channels: $0.2))
        }
      }.filter { family.takes($0.head.kind, of: $0.image) }
    } + [
      ModelCase(
        name: "made", settings: ["masks": "2"], head: .categorical(16),
        image: ImageShape(height: 4, width: 5, channels: 3), classes: 10),
      ModelCase(
        name: "made", settings: ["hidden": "8000"], head: .bernoulli,
        image: ImageShape(height: 9, width: 9, channels: 1)),
      ModelCase(
        name: "pixelcnn", settings: ["blocks": "15", "channels": "64"], head: .bernoulli,
        image: ImageShape(height: 8, width: 8, channels: 1)),
      ModelCase(
        name: "pixelcnn++", settings: ["palette": "on"], head: .categorical(256),
        image: ImageShape(height: 5, width: 6, channels: 3)),
      ModelCase(
        name: "rnn", settings: ["cell": "gru", "hidden": "40", "layers": "2"],
        head: .categorical(16), image: ImageShape(height: 5, width: 6, channels: 3)),
      ModelCase(
        name: "pixelrnn", settings: ["kind": "row"], head: .categorical(16),
        image: ImageShape(height: 5, width: 6, channels: 3)),
      ModelCase(
        name: "local-pixelcnn", settings: ["reach": "10"], head: .categorical(16),
        image: ImageShape(height: 13, width: 14, channels: 1)),
      ModelCase(
        name: "pixelcnn", settings: ["channels": "24"], head: .categorical(16),
        image: ImageShape(height: 6, width: 5, channels: 3)),
    ]
    + ModelFamily.all.compactMap { family in
      let image = ImageShape(height: 5, width: 6, channels: 3)
      let head = family.ownHead.map { Head($0, levels: 256) } ?? .categorical(16)
      return family.takes(head.kind, of: image)
        ? ModelCase(name: family.name, settings: [:], head: head, image: image, classes: 10) : nil
    }
}

extension PixelBatch {
  /// The levels of an image that come before one of its sub-pixels in the same pixel.
  public func earlierChannels(_ subpixel: Int, image: Int) -> ArraySlice<UInt8> {
    let place = image * dimension + subpixel
    return symbols[place - subpixel % channels..<place]
  }

  /// What a model is told before each of its steps of some images: `count` sub-pixels of each, from
  /// `first` on.
  public func told(_ count: Int, from first: Int, of images: [Int]) -> [UInt8] {
    images.flatMap { symbols[$0 * dimension + first..<$0 * dimension + first + count] }
  }
}

extension PixelDistribution {
  /// The probabilities at a sub-pixel of a batch's image, given its earlier channels.
  public func probabilities(_ batch: PixelBatch, image: Int, subpixel: Int) -> [Double] {
    probabilities(
      image: image, subpixel: subpixel, given: batch.earlierChannels(subpixel, image: image))
  }
}
