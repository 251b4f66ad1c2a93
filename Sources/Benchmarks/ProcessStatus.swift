import Foundation

/// This process as Linux accounts for it; nil where a system does not tell.
public enum ProcessStatus {
  /// Resident now, bytes.
  public static var residentMemory: Int? { bytes("VmRSS") }

  /// Most resident since the start or the latest reset, bytes.
  public static var peakMemory: Int? { bytes("VmHWM") }

  /// Seconds since the process was started, to a hundredth.
  public static var age: Double? {
    // The 22nd field, the 20th after the name in parentheses: ticks from boot to start.
    guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
      let name = stat.lastIndex(of: ")"),
      case let fields = stat[name...].split(separator: " "), fields.count > 20,
      let ticks = Double(fields[20])
    else { return nil }
    var now = timespec()
    guard clock_gettime(CLOCK_BOOTTIME, &now) == 0 else { return nil }
    let seconds = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    return max(0, seconds - ticks / Double(sysconf(Int32(_SC_CLK_TCK))))
  }

  /// Lets `peakMemory` count from what is resident now. Where the system refuses, it goes on from the
  /// start.
  static func resetPeakMemory() {
    guard let file = fopen("/proc/self/clear_refs", "w") else { return }
    fputs("5", file)
    fclose(file)
  }

  /// A line of /proc/self/status: `VmRSS:    1234 kB`.
  private static func bytes(_ field: String) -> Int? {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else {
      return nil
    }
    let line = status.split(separator: "\n").first { $0.hasPrefix(field + ":") }
    let words = line?.split(whereSeparator: \.isWhitespace) ?? []
    return words.count > 1 ? Int(words[1]).map { $0 * 1024 } : nil
  }
}
