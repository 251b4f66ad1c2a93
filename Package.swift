// swift-tools-version: 6.1
import PackageDescription

// The house, top to bottom. An arrow (a dependency) only ever points down.

// MARK: The command and what it shows

let command: [Target] = [
  .executableTarget(
    name: "scanline",
    dependencies: [
      "Reports", "Detection", "Benchmarks", "Generation", "Training", "Models", "Images", "Files",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ]),
  .target(name: "Reports", dependencies: ["Detection", "Images", "Files", "Randomness"]),
]

// MARK: The bundled data set, and the command that draws it

let drawings: [Target] = [
  .executableTarget(
    name: "make-strokes",
    dependencies: [
      "Strokes", "Images", "Files",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ]),
  .target(name: "Strokes", dependencies: ["Images", "Randomness"]),
]

// MARK: What a trained model is used for

let uses: [Target] = [
  .target(
    name: "Detection",
    dependencies: [
      "Training", "Models", "Distributions", "Tensors", "Images", "Files", "Randomness", "CKernels",
    ]),
  .target(
    name: "Benchmarks",
    dependencies: ["Training", "Generation", "Models", "Images", "Randomness"]),
  .target(name: "Generation", dependencies: ["Models", "Images", "Randomness"]),
  .target(name: "Training", dependencies: ["Models", "Images", "RunFiles", "Files", "Randomness"]),
]

// MARK: Density models

let models: [Target] = [
  .target(name: "Models", dependencies: ["Layers", "Distributions", "OneDNN"]),
  .target(name: "Layers", dependencies: ["Tensors", "Randomness"]),
  .target(name: "Distributions", dependencies: ["Tensors", "Images", "Randomness"]),
]

// MARK: Numbers and pixels

let foundations: [Target] = [
  .target(name: "OneDNN", dependencies: ["Tensors", "COneDNN", "CKernels"]),
  .target(name: "Tensors"),
  .target(name: "Images", dependencies: ["CImageCodecs", "Files", "Randomness"]),
  .target(name: "RunFiles", dependencies: ["Files"]),
  .target(name: "Files"),
  .target(name: "Randomness"),
]

// MARK: C at the edge

let edge: [Target] = [
  .target(
    name: "CImageCodecs",
    linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg"), .linkedLibrary("z")]),
  .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
  .target(name: "CKernels", linkerSettings: [.linkedLibrary("gomp"), .linkedLibrary("m")]),
]

// MARK: Tests, one folder a module

let tests: [Target] =
  [
    .target(
      name: "TestSupport", dependencies: ["Models", "Images", "Files"], path: "Tests/TestSupport")
  ]
  + [
    "Files", "Images", "Strokes", "Tensors", "OneDNN", "Distributions", "Models", "RunFiles",
    "Training", "Generation", "Benchmarks", "Detection", "Reports",
  ].map {
    .testTarget(
      name: "\($0)Tests", dependencies: [.byName(name: $0), "TestSupport"],
      exclude: $0 == "Images" ? ["Fixtures"] : [])
  }
  // The examples of the documentation catalogues.
  + [.testTarget(name: "ExampleTests", dependencies: ["Training", "Detection", "TestSupport"])]
  // Runs the command that is built beside it.
  + [
    .testTarget(
      name: "CommandTests", dependencies: ["scanline", "Images", "Randomness", "TestSupport"])
  ]

let package = Package(
  name: "scanline",
  products: [
    .executable(name: "scanline", targets: ["scanline"]),
    .library(
      name: "Scanline",
      targets: [
        "Models", "Training", "Generation", "Detection", "Benchmarks", "Reports", "Images",
        // What their interfaces are made of.
        "Layers", "Distributions", "Tensors", "OneDNN", "RunFiles", "Files", "Randomness",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: command + drawings + uses + models + foundations + edge + tests,
  swiftLanguageModes: [.v6]
)
