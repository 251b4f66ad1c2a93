// swift-tools-version: 6.1
import PackageDescription

// The house, top to bottom. An arrow (a dependency) only ever points down.

// MARK: The command and what it shows

let command: [Target] = [
  .executableTarget(
    name: "scanline",
    dependencies: [
      "Jobs", "Reports", "Detection", "Attacks", "Benchmarks", "Verification", "Generation",
      "Training",
      "Models", "Heads",
      "CPU", "Tensors", "Images", "RunFiles", "Files",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ]),
  // What a verb does, whole: a training, new images, a comparison.
  .target(
    name: "Jobs",
    dependencies: [
      "Reports", "Detection", "Attacks", "Generation", "Training", "Models", "Heads", "CPU",
      "Tensors", "Images", "RunFiles", "Files",
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
      "Training", "Models", "Heads", "Gaussians", "CKernels", "Tensors", "Images", "RunFiles",
      "Files", "Randomness",
    ]),
  .target(
    name: "Attacks", dependencies: ["Generation", "Models", "Tensors", "Images", "Randomness"]),
  .target(
    name: "Benchmarks",
    dependencies: [
      "Training", "Generation", "Models", "Layers", "Tensors", "Images", "Randomness",
    ]),
  .target(
    name: "Verification",
    dependencies: ["Generation", "Models", "Layers", "Heads", "Tensors", "Images", "Randomness"]),
  .target(
    name: "Generation", dependencies: ["Models", "Heads", "Tensors", "Images", "Randomness"]),
  .target(
    name: "Training",
    dependencies: [
      "Models", "Layers", "Heads", "Tensors", "CPU", "Images", "RunFiles", "Files", "Randomness",
    ]),
]

// MARK: Density models

let models: [Target] = [
  .target(
    name: "Models",
    dependencies: ["Layers", "Heads", "Gaussians", "Images", "Tensors", "Randomness"]),
  .target(name: "Layers", dependencies: ["Tensors", "Randomness"]),
  .target(name: "Heads", dependencies: ["Tensors", "Images"]),
]

// MARK: Numbers and pixels

let foundations: [Target] = [
  .target(
    name: "CPU", dependencies: ["Heads", "Layers", "Tensors", "Images", "COneDNN", "CKernels"]),
  .target(name: "Gaussians", dependencies: ["Randomness", "CKernels"]),
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

let testDependencies: [String: [String]] = [
  "AttacksTests": ["Attacks", "Models", "Layers", "CPU", "Tensors", "Images", "TestSupport"],
  "BenchmarksTests": ["Benchmarks", "Models", "Heads", "CPU", "Tensors", "Images", "TestSupport"],
  "CPUTests": ["Heads", "Layers", "CPU", "Tensors", "TestSupport"],
  "DetectionTests": [
    "Detection", "Training", "Models", "Layers", "Heads", "Gaussians", "CPU", "Tensors", "Images",
    "RunFiles", "Files", "Randomness", "TestSupport",
  ],
  "ExampleTests": [
    "Jobs", "Attacks", "Detection", "Training", "Models", "Layers", "Heads", "CPU", "Tensors",
    "Images",
    "RunFiles",
    "Files", "Randomness", "TestSupport",
  ],
  "FilesTests": ["Files", "TestSupport"],
  "GenerationTests": [
    "Generation", "Models", "Layers", "Heads", "CPU", "Tensors", "Images", "Randomness",
    "TestSupport",
  ],
  "HeadsTests": ["Models", "Heads", "CPU", "Tensors", "Images", "Randomness", "TestSupport"],
  "ImagesTests": ["Images", "Files", "Randomness", "TestSupport"],
  "JobsTests": [
    "Jobs", "Training", "CPU", "Images", "Files", "Randomness", "TestSupport",
  ],
  "LayersTests": ["Layers", "Tensors", "TestSupport"],
  "ModelsTests": [
    "Generation", "Models", "Layers", "Heads", "CPU", "Tensors", "Images", "Randomness",
    "TestSupport",
  ],
  "ReportsTests": [
    "Reports", "Detection", "Training", "Models", "Layers", "Tensors", "Images", "RunFiles",
    "Files", "Randomness", "TestSupport",
  ],
  "RunFilesTests": ["RunFiles", "Files", "TestSupport"],
  "StrokesTests": ["Strokes", "Images"],
  "TensorsTests": ["Tensors", "TestSupport"],
  "VerificationTests": [
    "Verification", "Models", "Layers", "Heads", "CPU", "Tensors", "Images", "TestSupport",
  ],
  "TrainingTests": [
    "Training", "Models", "Layers", "Heads", "CPU", "Tensors", "Images", "RunFiles", "Files",
    "Randomness", "TestSupport",
  ],
]

let tests: [Target] =
  [
    .target(
      name: "TestSupport",
      dependencies: ["Models", "Layers", "Heads", "Tensors", "Images", "Files", "Randomness"],
      path: "Tests/TestSupport"),
    // Runs the command that is built beside it.
    .testTarget(
      name: "CommandTests",
      dependencies: ["scanline", "Models", "Images", "Randomness", "TestSupport"]),
    // The kernels as C functions, bit by bit.
    .testTarget(name: "CKernelsTests", dependencies: ["CKernels"]),
  ]
  + testDependencies.sorted { $0.key < $1.key }.map { name, dependencies in
    .testTarget(
      name: name, dependencies: dependencies.map { .byName(name: $0) },
      exclude: name == "ImagesTests" ? ["Fixtures"] : [])
  }

let package = Package(
  name: "scanline",
  products: [
    .executable(name: "scanline", targets: ["scanline"]),
    .library(
      name: "Scanline",
      targets: [
        "Jobs", "Models", "Training", "Generation", "Detection", "Verification", "Benchmarks",
        "Reports", "Images",
        // What their interfaces are made of.
        "Layers", "Heads", "Gaussians", "Tensors", "CPU", "RunFiles", "Files", "Randomness",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: command + drawings + uses + models + foundations + edge + tests,
  swiftLanguageModes: [.v6]
)
