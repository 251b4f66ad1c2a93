import Foundation

/// How threads wait for each other.
///
/// libgomp's threads spin for milliseconds before they sleep. On a machine with anything else to do,
/// a spinning thread is soon put aside in the middle of its part, and every step waits for it: a
/// training beside a compiler was seen to fall from 900 to 15 images a second. A short spin costs
/// nothing on an idle machine. libgomp reads the setting only as it is loaded, before `main`, so
/// the command starts itself anew with it; a setting that the user has made is left alone.
enum Waiting {
  static func beBrief() {
    guard getenv("GOMP_SPINCOUNT") == nil, getenv("OMP_WAIT_POLICY") == nil else { return }
    setenv("GOMP_SPINCOUNT", "2000", 1)
    // Where this fails, nothing but speed is lost.
    guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    else { return }
    execv(path, CommandLine.unsafeArgv)
  }
}
