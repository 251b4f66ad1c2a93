import Foundation
import Testing

/// A Chromium without windows, driven by its DevTools protocol over two pipes: pages are shown, keys are
/// pressed and pictures taken as in front of a person.
///
/// https://chromedevtools.github.io/devtools-protocol/
public final class Browser {
  public static let path: String? = ["chromium", "chromium-browser", "google-chrome"].lazy
    .flatMap { name in
      (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map {
        "\($0)/\(name)"
      }
    }.first { FileManager.default.isExecutableFile(atPath: $0) }

  public static let missing: Comment =
    "Chromium is not installed: make setup-browser, to test the report as people see it"

  private let shell: Shell
  private let commands, answers: Int32
  private var received: [UInt8] = []
  private var sent = 0
  private var session: String?
  /// What the page's scripts threw, and the addresses that it asked for, but for itself and data.
  public private(set) var errors: [String] = []
  public private(set) var requests: [String] = []

  /// Starts one; what it writes lies in `folder`.
  public init(in folder: TemporaryFolder) throws {
    for name in ["commands", "answers"] { try #require(mkfifo(folder.file(name), 0o600) == 0) }
    // The sandbox wants a kernel that containers often lack; all that is shown is our own.
    shell = try Shell(
      """
      exec "$0" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
        --user-data-dir=profile --remote-debugging-pipe 3<commands 4>answers
      """, [try #require(Self.path)], in: folder.path)
    // Open at both ends: a browser that ends must not end the tests by a signal.
    commands = Glibc.open(folder.file("commands"), O_RDWR | O_CLOEXEC)
    answers = Glibc.open(folder.file("answers"), O_RDONLY | O_CLOEXEC)
    try #require(commands >= 0 && answers >= 0)
    let target = try call("Target.createTarget", ["url": "about:blank"])
    let attached = try call(
      "Target.attachToTarget", ["targetId": target["targetId"] as Any, "flatten": true])
    session = attached["sessionId"] as? String
    for domain in ["Page", "Runtime", "Network"] { _ = try call("\(domain).enable") }
  }

  deinit {
    kill(-shell.process, SIGKILL)
    _ = try? shell.end()
    close(commands)
    close(answers)
  }

  /// A command and its result.
  @discardableResult public func call(
    _ method: String, _ parameters: [String: Any] = [:]
  ) throws -> [String: Any] {
    sent += 1
    var message: [String: Any] = ["id": sent, "method": method, "params": parameters]
    message["sessionId"] = session
    let bytes = try JSONSerialization.data(withJSONObject: message) + [0]
    try #require(
      bytes.withUnsafeBytes { write(commands, $0.baseAddress!, $0.count) } == bytes.count)
    while true {
      let answer = try nextMessage()
      note(answer)
      guard answer["id"] as? Int == sent else { continue }
      let result = answer["result"] as? [String: Any]
      return try #require(result, "\(method): \(answer)")
    }
  }

  private func nextMessage() throws -> [String: Any] {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      if let end = received.firstIndex(of: 0) {
        let message = Data(received[..<end])
        received.removeSubrange(...end)
        return try #require(try JSONSerialization.jsonObject(with: message) as? [String: Any])
      }
      var wait = pollfd(fd: answers, events: Int16(POLLIN), revents: 0)
      try #require(poll(&wait, 1, 60_000) == 1, "the browser is silent: \(shell.text("error"))")
      let count = read(answers, &buffer, buffer.count)
      try #require(count > 0, "the browser has ended: \(shell.text("error"))")
      received += buffer[..<count]
    }
  }

  private func note(_ event: [String: Any]) {
    let details = event["params"] as? [String: Any]
    switch event["method"] as? String {
    case "Runtime.exceptionThrown": errors.append("\(details ?? [:])")
    case "Network.requestWillBeSent":
      let request = details?["request"] as? [String: Any]
      let url = request?["url"] as? String ?? "?"
      if details?["type"] as? String != "Document", !url.hasPrefix("data:") { requests.append(url) }
    default: break
    }
  }

  /// Shows a file, or a file and a fragment, on a screen.
  public func show(
    _ file: String, fragment: String = "", width: Int = 1280, height: Int = 900,
    isDark: Bool = false
  ) throws {
    try call(
      "Emulation.setDeviceMetricsOverride",
      ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600])
    let scheme = ["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]
    try call("Emulation.setEmulatedMedia", ["features": [scheme]])
    // Another fragment alone would not load it anew.
    try call("Page.navigate", ["url": "about:blank"])
    try wait(for: "location.href === 'about:blank'")
    try call("Page.navigate", ["url": "file://\(file)\(fragment)"])
    try wait(for: "location.protocol === 'file:' && document.readyState === 'complete'")
  }

  /// The value of an expression of JavaScript, of promises what they hold.
  @discardableResult public func value(of expression: String) throws -> Any? {
    let answer = try call(
      "Runtime.evaluate",
      ["expression": expression, "awaitPromise": true, "returnByValue": true])
    try #require(answer["exceptionDetails"] == nil, "\(expression): \(answer)")
    return (answer["result"] as? [String: Any])?["value"]
  }

  public func wait(for condition: String) throws {
    let holds = try shell.waits { try value(of: condition) as? Bool == true }
    try #require(holds, "waited a minute for \(condition)")
  }

  /// Presses and lets go of a key, by its name: `ArrowRight`, `Enter`, `Escape`, `Tab`, `a`.
  public func press(_ key: String) throws {
    let codes = [
      "Enter": 13, "Escape": 27, "Tab": 9, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36,
      "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
    ]
    var event: [String: Any] = ["key": key, "code": key, "type": "keyDown"]
    event["windowsVirtualKeyCode"] = codes[key] ?? Int(key.utf8.first ?? 0)
    if key == "Enter" { event["text"] = "\r" } else if key.count == 1 { event["text"] = key }
    try call("Input.dispatchKeyEvent", event)
    event["type"] = "keyUp"
    event["text"] = nil
    try call("Input.dispatchKeyEvent", event)
  }

  /// What is on the screen, as a PNG file.
  public func screenshot() throws -> [UInt8] {
    let answer = try call("Page.captureScreenshot")
    return Array(try #require(Data(base64Encoded: answer["data"] as? String ?? "")))
  }
}
