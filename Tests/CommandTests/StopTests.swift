import Foundation
import TestSupport
import Testing

/// Stop signals, sent the way that people send them.
@Suite(.serialized, .enabled(if: Command.path != nil, Command.missing)) struct Stop {
  /// Images, and a run that is slow to score them.
  private static let original = Result {
    let place = Workplace()
    place.write(pictures(8), to: "few.npy")
    place.write(pictures(4000), to: "many.npy")
    let outcome = try place.scanline(
      "train", "few.npy", "--run", "run", "--model", "pixelcnn", "--set", "blocks=12", "--set",
      "channels=64", "--binarize", "threshold", "--epochs", "1", "--quiet")
    #expect(outcome.status == 0, "\(outcome.error)")
    return place
  }
  let place = Workplace()

  init() throws {
    for name in try Self.original.get().names(in: ".") {
      try FileManager.default.copyItem(
        atPath: Self.original.get().file(name), toPath: place.file(name))
    }
  }

  /// A NumPy array of noise, 32 pixels high and wide.
  private static func pictures(_ count: Int) -> Data {
    var header = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(count), 32, 32), }"
    header += String(repeating: " ", count: 127 - 10 - header.utf8.count) + "\n"
    var state: UInt32 = 1
    let pixels = (0..<count * 1024).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    return Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0])
      + Data(header.utf8) + Data(pixels)
  }

  private static let verbs = [
    "train many.npy --run new --model pixelcnn --set blocks=2",
    "sample run --count 100000 --out drawn", "evaluate run many.npy",
    "score run many.npy --out scores.csv", "calibrate run many.npy",
    "flag run many.npy --out flagged --calibration many.npy",
    "compare run --in many.npy --out-of many.npy", "benchmark --seconds 100",
  ]
  private static let signals = [("INT", SIGINT), ("TERM", SIGTERM), ("HUP", SIGHUP)]

  private func shell(_ script: String, _ verb: String, hasTerminal: Bool = false) throws -> Shell {
    try Shell(
      script, [#require(Command.path)] + verb.split(separator: " ").map(String.init),
      in: place.path, hasTerminal: hasTerminal)
  }

  /// Waits until a verb is at work. A training says before its first step what it takes.
  private func letItBegin(_ verb: String, _ shell: Shell) {
    if verb.hasPrefix("train") {
      #expect(shell.waits { (shell.screen + shell.text("error")).contains(" on the disk") })
    }
    Thread.sleep(forTimeInterval: 0.7)
  }

  /// What every stopped verb leaves.
  private func expectStopped(
    _ verb: String, _ said: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(said.contains("stop"), "\(verb): \(said)", sourceLocation: sourceLocation)
    let files = try #require(FileManager.default.subpaths(atPath: place.path))
    #expect(!files.contains { $0.hasSuffix(".partial") }, sourceLocation: sourceLocation)
    #expect(!place.exists("scores.csv") && !place.exists("run/calibration.json"))
    if verb.hasPrefix("train") {
      // Whole, and the rest is said.
      #expect(said.contains("go on with: scanline train many.npy --run new --resume"))
      #expect(try place.scanline("evaluate", "new", "few.npy").status == 0)
    }
  }

  @Test("by kill, in front of a shell's script", arguments: verbs, signals)
  func foreground(_ verb: String, _ signal: (name: String, number: Int32)) throws {
    let shell = try shell(
      #"sh -c 'echo $$ > pid; exec "$0" "$@"' "$0" "$@"; echo $? > status"#, verb)
    let process = try shell.number(in: "pid")
    letItBegin(verb, shell)
    kill(process, signal.number)
    #expect(try shell.end() == 0)
    #expect(try shell.number(in: "status") == 128 + signal.number)
    try expectStopped(verb, shell.text("error"))
  }

  /// A shell without a keyboard starts its jobs with INT ignored.
  @Test("by kill, behind a shell's script", arguments: verbs.prefix(2))
  func background(_ verb: String) throws {
    let shell = try shell(
      #""$0" "$@" & echo $! > pid; wait $!; echo $? > status"#, verb)
    let process = try shell.number(in: "pid")
    letItBegin(verb, shell)
    kill(process, SIGINT)
    #expect(try shell.end() == 0)
    #expect(try shell.number(in: "status") == 130)
    try expectStopped(verb, shell.text("error"))
  }

  @Test("by timeout", arguments: verbs)
  func timeout(_ verb: String) throws {
    let shell = try shell(
      #"timeout --preserve-status -s INT \#(verb.hasPrefix("train") ? 5 : 1) "$0" "$@"; echo $? > status"#,
      verb)
    #expect(try shell.end() == 0)
    #expect(try shell.number(in: "status") == 130)
    try expectStopped(verb, shell.text("error"))
  }

  @Test("by Ctrl-C at a terminal", arguments: verbs)
  func keyboard(_ verb: String) throws {
    let shell = try shell(
      #""$0" "$@"; echo $? > status"#, verb, hasTerminal: true)
    letItBegin(verb, shell)
    shell.type(3)
    #expect(try shell.end() == 0)
    #expect(try shell.number(in: "status") == 130)
    #expect(shell.waits { shell.screen.contains("stop") })
    try expectStopped(verb, shell.screen)
  }

  /// Nobody reads what it says any more, and that must not cost the checkpoint.
  @Test("by the terminal's being closed", arguments: verbs)
  func closedTerminal(_ verb: String) throws {
    let shell = try shell(#"exec "$0" "$@""#, verb, hasTerminal: true)
    letItBegin(verb, shell)
    shell.hangUp()
    #expect(try shell.end() == 129)
    if verb.hasPrefix("train") {
      #expect(place.exists("new/checkpoint.safetensors"))
      #expect(try place.scanline("evaluate", "new", "few.npy").status == 0)
    }
  }

  /// Ctrl-C ends the reader of the messages too.
  @Test("by Ctrl-C at a terminal, before a pipe")
  func pipe() throws {
    let shell = try shell(
      #"{ "$0" "$@"; echo $? > status; } 2>&1 | cat > said"#, Self.verbs[0], hasTerminal: true)
    #expect(shell.waits { shell.text("said").contains(" on the disk") })
    Thread.sleep(forTimeInterval: 0.7)
    shell.type(3)
    _ = try shell.end()
    #expect(try shell.number(in: "status") == 130)
    #expect(place.exists("new/checkpoint.safetensors"))
    #expect(try place.scanline("evaluate", "new", "few.npy").status == 0)
  }

  @Test("nohup keeps it from hanging up")
  func nohup() throws {
    let shell = try shell(
      #"sh -c 'echo $$ > pid; exec nohup "$0" "$@"' "$0" "$@"; echo $? > status"#, Self.verbs[2])
    let process = try shell.number(in: "pid")
    letItBegin(Self.verbs[2], shell)
    kill(process, SIGHUP)
    Thread.sleep(forTimeInterval: 1.5)
    #expect(kill(process, 0) == 0 && shell.text("status").isEmpty)
    kill(process, SIGTERM)
    #expect(try shell.end() == 0)
    #expect(try shell.number(in: "status") == 143)
  }

  /// Ctrl-C is for what is in front; a signal that is sent to a job is for the job.
  @Test("Ctrl-C leaves a script's background alone")
  func keyboardBehind() throws {
    let shell = try shell(
      #""$0" "$@" 2> error & echo $! > pid; trap : INT; wait; wait $!; echo $? > status"#,
      Self.verbs[2], hasTerminal: true)
    let process = try shell.number(in: "pid")
    letItBegin(Self.verbs[2], shell)
    shell.type(3)
    Thread.sleep(forTimeInterval: 1.5)
    #expect(kill(process, 0) == 0 && shell.text("status").isEmpty)
    kill(process, SIGINT)
    #expect(try shell.end() == 0)
    #expect(try shell.number(in: "status") == 130)
  }

  /// While what it takes is measured, for seconds: there is nothing to save yet.
  @Test("before its first step, a training leaves its name to another", arguments: signals)
  func beforeItBegins(_ signal: (name: String, number: Int32)) throws {
    let shell = try shell(
      #"sh -c 'echo $$ > pid; exec "$0" "$@"' "$0" "$@"; echo $? > status"#,
      "train few.npy --run new --model pixelcnn --set blocks=1 --set channels=1024 --threads 1"
        + " --precision float32 --large")
    let process = try shell.number(in: "pid")
    #expect(shell.waits { shell.text("error").contains(" images a step") })
    kill(process, signal.number)
    #expect(try shell.end() == 0)
    #expect(try shell.number(in: "status") == 128 + signal.number)
    let said = shell.text("error")
    #expect(said.hasSuffix("stopped\n") && !said.contains(" on the disk"), "\(said)")
    #expect(!place.exists("new/config.json"))
    try place.scanline("info", "new").expectFailure(naming: ["new/config.json"])
    let other = try place.scanline(
      "train", "few.npy", "--run", "new", "--model", "fvsbn", "--levels", "2", "--epochs", "1",
      "--quiet")
    #expect(other.status == 0, "\(other.error)")
  }

  /// Steps of many seconds: the first signal waits for the one under way.
  @Test("a second signal ends it at once")
  func twice() throws {
    let shell = try shell(
      #"sh -c 'echo $$ > pid; exec "$0" "$@"' "$0" "$@"; echo $? > status"#,
      "train few.npy --run slow --model pixelcnn --set blocks=1 --set channels=1024 --threads 1"
        + " --precision float32 --batch 8 --large")
    let process = try shell.number(in: "pid")
    #expect(shell.waits { shell.text("error").contains(" on the disk") })
    Thread.sleep(forTimeInterval: 0.2)
    for _ in 0..<2 {
      kill(process, SIGINT)
      Thread.sleep(forTimeInterval: 0.5)
    }
    #expect(try shell.end() == 0)
    #expect(try shell.number(in: "status") == 130)
    #expect(shell.text("error").hasSuffix("stopped\n"), "\(shell.text("error"))")
    #expect(!place.exists("slow/checkpoint.safetensors"))
  }
}
