import Files
import Foundation
import TestSupport
import Testing

@Suite struct AtomicFileTests {
  let folder = TemporaryFolder()

  @Test(arguments: [true, false]) func replacesAndLeavesNothingElse(durable: Bool) throws {
    let name = String(repeating: "n", count: 255)  // as long as a name may be
    let path = folder.file(name)
    try AtomicFile.write([1, 2, 3] as [UInt8], to: path, durable: durable)
    try AtomicFile.write([4] as [UInt8], to: path, durable: durable)
    #expect(try bytes(of: path) == [4])
    #expect(try folder.names() == [name])
  }

  @Test func anErrorHalfWayLeavesTheOldFile() throws {
    struct Stop: Error {}
    let path = folder.write([1], to: "a.json")
    #expect(throws: Stop.self) {
      try AtomicFile.write(to: path) { output in
        try [UInt8](repeating: 2, count: 100).withUnsafeBytes { try output.write($0) }
        throw Stop()
      }
    }
    #expect(try bytes(of: path) == [1])
    #expect(try folder.names() == ["a.json"])
  }

  /// The disk is full as a limit on file sizes, which is a process's own, so in one of its own.
  @Test func aFullDiskLeavesTheOldFile() async {
    await #expect(processExitsWith: .success) {
      let folder = TemporaryFolder()
      let path = folder.write([1], to: "a")
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 4096, rlim_max: rlim_t.max)
      setrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
      expectError(at: path, "cannot write: File too large") {
        try AtomicFile.write([UInt8](repeating: 1, count: 10_000), to: path)
      }
      let (contents, names) = (try bytes(of: path), try folder.names())
      #expect(contents == [1] && names == ["a"])
    }
  }

  @Test func permissionsStay() throws {
    let path = folder.write([1], to: "private")
    chmod(path, 0o600)
    try AtomicFile.write([2] as [UInt8], to: path)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
  }

  @Test func refusalsNameThePathAndTheReason() throws {
    let missing = folder.file("none/a.json")
    let below = folder.write([1], to: "file") + "/a.json"
    for (path, reason) in [
      (missing, "cannot write: No such file or directory"),
      (below, "cannot write: Not a directory"), (folder.path, "cannot write: Is a directory"),
    ] {
      expectError(at: path, reason) { try AtomicFile.write([1] as [UInt8], to: path) }
      expectError(at: path, reason) { try AtomicFile.requireWritable(path) }
    }
    #expect(try folder.names() == ["file"])
    try AtomicFile.requireWritable(folder.file("new"))
    #expect(try folder.names() == ["file"])
  }

  // MARK: What is no regular file

  @Test func aLinkKeepsItsPlace() throws {
    folder.write([1], to: "deep/target")
    folder.link("deep/second", to: "target")
    folder.link("first", to: "deep/second")
    try AtomicFile.write([2, 3] as [UInt8], to: folder.file("first"))
    #expect(try bytes(of: folder.file("deep/target")) == [2, 3])
    #expect(try folder.names() == ["deep", "first"])
    let kept = try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("first"))
    #expect(kept == "deep/second")

    folder.link("dangling", to: folder.file("deep/new"))
    try AtomicFile.write([4] as [UInt8], to: folder.file("dangling"))
    #expect(try bytes(of: folder.file("deep/new")) == [4])
  }

  @Test func aLoopOfLinksIsRefused() {
    folder.link("a", to: "b")
    folder.link("b", to: "a")
    expectError(at: folder.file("a"), "Too many levels of symbolic links") {
      try AtomicFile.write([1] as [UInt8], to: folder.file("a"))
    }
  }

  @Test func aPipeIsWrittenInto() throws {
    let pipe = folder.file("pipe")
    try #require(mkfifo(pipe, 0o600) == 0)
    let reader = open(pipe, O_RDONLY | O_NONBLOCK)
    try #require(reader >= 0)
    defer { close(reader) }
    try AtomicFile.requireWritable(pipe)
    try AtomicFile.write([1, 2, 3] as [UInt8], to: pipe)
    var found = [UInt8](repeating: 0, count: 8)
    #expect(read(reader, &found, 8) == 3 && found.prefix(3) == [1, 2, 3])
    #expect(try folder.names() == ["pipe"])
  }

  @Test func aDeviceIsWrittenInto() throws {
    try AtomicFile.write([1] as [UInt8], to: "/dev/null")
    var status = stat()
    #expect(lstat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
    expectError(at: "/dev/full", "cannot write: No space left on device") {
      try AtomicFile.write([1] as [UInt8], to: "/dev/full")
    }
  }

  /// As `>> log` makes /dev/stdout: neither is the log replaced, nor what it holds lost.
  @Test func whatAProcessHasOpenIsAppendedTo() throws {
    let log = folder.write([1], to: "log")
    let descriptor = open(log, O_WRONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var before = stat()
    var after = stat()
    fstat(descriptor, &before)
    for path in ["/dev/fd/\(descriptor)", "/proc/self/fd/\(descriptor)"] {
      try AtomicFile.write([2] as [UInt8], to: path)
    }
    #expect(try bytes(of: log) == [1, 2, 2])
    #expect(stat(log, &after) == 0 && before.st_ino == after.st_ino)
  }
}

@Suite struct FileErrorTests {
  @Test func isOneShortLine() {
    #expect(FileError("a\nb", problem: "c\u{1b}d").description == "a\\nb: c\\u{1B}d")
    #expect(
      FileError("a", "line 3", expected: "1", found: "2").description
        == "a: line 3: expected 1, found 2")
    let long = String(repeating: "x", count: 10_000)
    #expect(FileError("a", expected: "1", found: long).description.count < 400)
  }
}
