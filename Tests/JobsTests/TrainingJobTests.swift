import CPU
import Files
import Foundation
import Images
import Jobs
import Randomness
import TestSupport
import Testing
import Training

/// A training from a folder to a run by one call of the library.
@Suite(.serialized) struct TrainingJobTests {
  let folder = TemporaryFolder()

  /// Grey images of a bright column on dark ground.
  private func makeImages(_ name: String, _ count: Int, side: Int = 8) throws {
    folder.makeFolder(name)
    for index in 0..<count {
      var random = RandomStream(seed: 1, name, index)
      let column = random.integer(below: side)
      let pixels = (0..<side * side).map { place -> UInt8 in
        UInt8((place % side == column ? 200 : 20) + random.integer(below: 30))
      }
      try Image(height: side, width: side, channels: 1, pixels: pixels)
        .writePNG(to: folder.file("\(name)/\(index).png"))
    }
  }

  private func request(_ data: String, _ run: String) -> TrainingRequest {
    var request = TrainingRequest(data: folder.file(data), run: folder.file(run))
    request.model = "nade"
    request.settings = ["hidden": "8"]
    request.binarization = .threshold
    request.holdOut = 12
    request.epochs = 3
    request.batch = 8
    request.seed = 7
    return request
  }

  /// The same by the command.
  private func command(_ words: [String]) throws -> (status: Int32, error: String) {
    let shell = try Shell(#"exec "$0" "$@""#, [#require(Command.path)] + words, in: folder.path)
    return (try shell.end(), shell.text("error"))
  }

  private let flags = [
    "--model", "nade", "--set", "hidden=8", "--binarize", "threshold", "--hold-out", "12",
    "--epochs", "3", "--batch", "8", "--seed", "7",
  ]

  @Test(
    "a folder trained by the call is the run that the command makes, bit for bit",
    .enabled(if: Command.path != nil, Command.missing))
  func sameAsTheCommand() throws {
    try makeImages("images", 60)
    folder.write([1, 2, 3], to: "images/broken.png")
    var events: [String] = []
    var steps = 0
    let outcome = try #require(
      try TrainingJob(request("images", "call")).run { event in
        switch event {
        case .training(let progress): steps = progress.step
        case .begins: events.append("begins")
        case .prepared(let preparation):
          #expect(preparation.steps == 0 && preparation.configuration.model.name == "nade")
          #expect(!FileManager.default.fileExists(atPath: folder.file("call/config.json")))
          events.append("prepared")
        case .cost: events.append("cost")
        case .reading(.done(let read)): events.append("read \(read.skipped.count)")
        case .judging(let done, let total): #expect(done <= total && total == 12)
        default: break
        }
        return true
      })
    #expect(events == ["read 1", "prepared", "cost", "begins"])
    #expect(outcome.isComplete && !outcome.summary.interrupted && outcome.summary.epochs == 3)
    #expect(outcome.heldOut == 12 && outcome.summary.steps == steps && steps > 0)
    #expect(outcome.reading.unreadable.map(\.path) == [folder.file("images/broken.png")])
    #expect(
      outcome.remarks == [.unreadableFiles(table: folder.file("call/unreadable.csv"), 1)])

    let threads = ["--threads", "\(CPUBackend.shared.threads)"]
    let end = try command(
      ["train", folder.file("images"), "--run", "command"] + flags + threads)
    #expect(end.status == 0, "\(end.error)")
    for file in ["weights.safetensors", "seen.bin", "gaussian.safetensors", "unreadable.csv"] {
      let made = try bytes(of: folder.file("call/\(file)"))
      #expect(try made == bytes(of: folder.file("command/\(file)")), "\(file)")
    }
    // The calibration holds the same scores, computed on as many threads.
    let calibrations = try ["call", "command"].map { run in
      try String(contentsOfFile: folder.file("\(run)/calibration.json"), encoding: .utf8)
    }
    #expect(calibrations[0] == calibrations[1])
  }

  @Test("stopped before its first step it leaves no run, stopped later one to go on with")
  func stopped() throws {
    try makeImages("images", 40)
    for moment in ["read", "prepared", "cost", "begins"] {
      let outcome = try TrainingJob(request("images", "run")).run { event in
        switch event {
        case .reading(.done): moment != "read"
        case .prepared: moment != "prepared"
        case .cost: moment != "cost"
        case .begins: moment != "begins"
        default: true
        }
      }
      #expect(outcome == nil)
      #expect(!FileManager.default.fileExists(atPath: folder.file("run/config.json")), "\(moment)")
    }
    let stopped = try #require(
      try TrainingJob(request("images", "run")).run { event in
        if case .training(let progress) = event { progress.step < 2 } else { true }
      })
    #expect(stopped.summary.interrupted && !stopped.isComplete && stopped.summary.steps == 2)
    var again = request("images", "run")
    again.resumes = true
    let rest = try #require(try TrainingJob(again).run())
    #expect(rest.isComplete)
    _ = try TrainingJob(request("images", "whole")).run()
    for file in ["weights.safetensors", "calibration.json"] {
      #expect(
        try bytes(of: folder.file("run/\(file)")) == bytes(of: folder.file("whole/\(file)")))
    }
    again.batch = 9
    let refusal = #expect(throws: FileError.self) { try TrainingJob(again).run() }
    #expect(refusal?.field == "--batch")
  }

  @Test("a stop while what was set aside is judged is taken up again")
  func stoppedWhileJudging() throws {
    try makeImages("parts", 8, side: 24)
    var request = TrainingRequest(data: folder.file("parts"), run: folder.file("run"))
    request.crop = (width: 12, height: 12)
    request.epochs = 1
    let stopped = try #require(
      try TrainingJob(request).run { event in
        if case .judging = event { false } else { true }
      })
    #expect(!stopped.isComplete && !stopped.summary.interrupted)
    #expect(!FileManager.default.fileExists(atPath: folder.file("run/experts.json")))
    request.resumes = true
    let rest = try #require(try TrainingJob(request).run())
    #expect(rest.isComplete && rest.summary == stopped.summary)
    #expect(FileManager.default.fileExists(atPath: folder.file("run/experts.json")))
  }

  @Test("a model that is too large leaves its name, and says with which values it is")
  func tooLarge() throws {
    try makeImages("images", 20, side: 64)
    var request = TrainingRequest(data: folder.file("images"), run: folder.file("run"))
    request.model = "fvsbn"
    let error = #expect(throws: SizeError.self) { try TrainingJob(request).run() }
    #expect(error?.advice == "try --size 32x32 or --levels 16")
    #expect(try #require(error).description.contains(error!.advice))
    #expect(!FileManager.default.fileExists(atPath: folder.file("run")))
    request.levels = 2
    request.epochs = 1
    #expect(try TrainingJob(request).run()?.isComplete == true)
  }

  @Test("what makes no sense names its flag")
  func nonsense() {
    func refusal(_ change: (inout TrainingRequest) -> Void) -> String? {
      var request = TrainingRequest(data: "images", run: "run")
      change(&request)
      return #expect(throws: OptionError.self) { try request.check() }?.description
    }
    #expect(refusal { $0.epochs = 0 } == "--epochs: expected 1 ... 1000000000, found 0")
    #expect(
      refusal { $0.minutes = .nan }
        == "--minutes: expected more than 0, at most 10000000, found nan")
    #expect(
      refusal {
        $0.epochs = 1
        $0.minutes = 1
      } == "--epochs, --minutes: expected one of them, found both")
    #expect(refusal { $0.channels = 2 } == "--channels: expected 1 or 3, found 2")
    #expect(refusal { $0.size = (0, 5) } == "--size: expected sides 1 ... 4096, found 0x5")
    #expect(
      refusal {
        $0.levels = 16
        $0.head = .bernoulli
      } == "--levels: expected the 2 of --head bernoulli, found 16")
    #expect(
      refusal {
        $0.levels = 16
        $0.binarization = .stochastic
      } == "--levels: expected the 2 of --binarize, found 16")
    #expect(refusal { $0.run = "" } == "--run: expected a path, found an empty text")
    #expect(refusal { $0.groupBy = "(" }?.hasPrefix("--group-by: expected folder or") == true)
  }
}

/// What is chosen where a request leaves it open.
@Suite(.serialized) struct RecipesOfRequests {
  let folder = TemporaryFolder()

  @Test("the recipe of few images is recorded, and what is asked for comes before it")
  func few() throws {
    folder.makeFolder("images")
    for index in 0..<12 {
      let pixels = (0..<16).map { UInt8(($0 * index) % 200) }
      try Image(height: 4, width: 4, channels: 1, pixels: pixels)
        .writePNG(to: folder.file("images/\(index).png"))
    }
    var request = TrainingRequest(data: folder.file("images"), run: folder.file("usual"))
    request.model = "pixelcnn"
    request.holdOut = 0
    request.levels = 2
    func configuration(_ request: TrainingRequest) throws -> RunConfiguration? {
      var found: RunConfiguration?
      _ = try TrainingJob(request).run { event in
        if case .prepared(let preparation) = event { found = preparation.configuration }
        return found == nil
      }
      return found
    }
    let usual = try #require(try configuration(request))
    #expect(usual.model.settings["dropout"] == "0.2" && usual.training.weightDecay == 0.5)
    #expect(usual.training.duration == .epochs(2_000))
    request.settings = ["dropout": "0"]
    (request.weightDecay, request.epochs, request.run) = (0, 3, folder.file("asked"))
    let asked = try #require(try configuration(request))
    #expect(asked.model.settings["dropout"] == "0" && asked.training.weightDecay == 0)
    #expect(asked.training.duration == .epochs(3))
  }
}
