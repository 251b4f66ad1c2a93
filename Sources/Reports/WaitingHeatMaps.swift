import Files
import Foundation

/// Heat maps of one size that wait to be drawn: the oddest in memory, the others, if at all, in a file
/// without a name.
struct WaitingHeatMaps {
  struct Map {
    let index: Int
    let oddness: Double
    let heat: HeatMap
  }

  /// The oddest, in that order, of equals the first added.
  private(set) var shown: [Map] = []
  private let limit: Int
  private let keepsOthers: Bool
  private let folder: String
  private var others: Spill?
  /// Those in the file that are to be drawn.
  private var spilled: Set<Int> = []

  init(shown limit: Int, keepsOthers: Bool, in folder: String) {
    self.limit = limit
    self.keepsOthers = keepsOthers
    self.folder = folder
  }

  /// Maps that are kept, or were asked to be.
  var count: Int { shown.count + spilled.count }

  /// Adds an image's map, which is made only where it is kept.
  mutating func add(oddness: Double, of index: Int, _ heat: () -> HeatMap) {
    let isFull = shown.count == limit
    if isFull, oddness <= shown[limit - 1].oddness {
      if keepsOthers { spill(Map(index: index, oddness: oddness, heat: heat())) }
      return
    }
    if isFull {
      let last = shown.removeLast()
      if keepsOthers { spill(last) }
    }
    let place = shown.firstIndex { $0.oddness < oddness } ?? shown.count
    shown.insert(Map(index: index, oddness: oddness, heat: heat()), at: place)
  }

  /// Leaves out the maps of other images than these.
  mutating func keep(where isKept: (_ index: Int) -> Bool) {
    shown.removeAll { !isKept($0.index) }
    spilled = spilled.filter(isKept)
  }

  private mutating func spill(_ map: Map) {
    spilled.insert(map.index)
    others = others ?? Spill(in: folder, width: map.heat.width, height: map.heat.height)
    others?.append(map)
  }

  /// Goes over all, first those in memory, until `body` answers false. Throws where the file cannot be
  /// read, or could not be written.
  func visit(_ body: (Map) -> Bool) throws {
    for map in shown where !body(map) { return }
    try others?.visit { !spilled.contains($0.index) || body($0) }
  }
}

/// Heat maps in a file that is gone when the process is.
private final class Spill {
  private let file: UnsafeMutablePointer<FILE>?
  private let folder: String
  private let width, height: Int
  /// Of the first thing that failed: what follows would be of no use.
  private var failure: Int32?

  init(in folder: String, width: Int, height: Int) {
    (self.folder, self.width, self.height) = (folder, width, height)
    var path = Array(joined(folder, ".heatmaps.XXXXXX").utf8CString)
    let descriptor = mkstemp(&path)
    file = descriptor >= 0 ? fdopen(descriptor, "w+") : nil
    if file == nil { failure = errno }
    if descriptor >= 0 { unlink(path) }
  }

  deinit { if let file { fclose(file) } }

  func append(_ map: WaitingHeatMaps.Map) {
    guard failure == nil, let file else { return }
    var index = map.index
    if fwrite(&index, MemoryLayout<Int>.size, 1, file) != 1
      || fwrite(map.heat.steps, 1, map.heat.steps.count, file) != map.heat.steps.count
    {
      failure = errno
    }
  }

  func visit(_ body: (WaitingHeatMaps.Map) -> Bool) throws {
    if failure == nil, let file, fflush(file) != 0 { failure = errno }
    if let failure { throw FileError(folder, cannot: "keep heat maps", code: failure) }
    rewind(file!)
    var index = 0
    var steps = [UInt8](repeating: 0, count: width * height)
    while fread(&index, MemoryLayout<Int>.size, 1, file!) == 1,
      fread(&steps, 1, steps.count, file!) == steps.count
    {
      let heat = HeatMap(width: width, height: height, steps: steps)
      guard body(.init(index: index, oddness: 0, heat: heat)) else { return }
    }
  }
}
