import Images
import Randomness

/// How a training sets images aside that it never sees, by which later ones are ranked.
public struct HoldOut: Codable, Equatable, Sendable {
  /// The fewest that are worth it.
  public static let fewest = 60

  /// How many are asked for; nil for a share of what there is.
  public var count: Int?
  /// What else keeps images together beside being near-duplicates: "folder", or a regular expression
  /// whose first group (or whole match) in an image's name is that of its group.
  public var groupBy: String?

  public init(count: Int? = nil, groupBy: String? = nil) {
    self.count = count
    self.groupBy = groupBy
  }

  /// How many of so many images are set aside: a tenth or 250, whichever is more, but no more than 2 000
  /// or a quarter; none of less than 240, which are too few to spare enough.
  public func count(of images: Int) -> Int {
    if let count { return min(count, images - 1) }
    let wanted = min(2_000, max(images / 10, min(images / 4, 250)))
    return wanted < Self.fewest ? 0 : wanted
  }

  /// Images in two, near-duplicates and groups undivided.
  public struct Sides: Sendable {
    /// To train and validate on.
    public let rest: DataSet
    public let held: DataSet
    /// Images that are on neither side: near-duplicates of held ones, where there are too many images to
    /// group them all.
    public let leftOut: Int
    /// The share of held images whose nearest other image is at most five places away in the order of names,
    /// and what chance would have; nil where groups are named or images are too many to be compared. A large
    /// one tells of series, bursts or parts of one thing: they are on both sides, and held images look more
    /// like those that are learned from than new ones will.
    public let inSeries: (share: Double, byChance: Double)?
  }

  /// Divides a data set. A group's side depends on the seed and on the contents of its images, not on
  /// names (but where groups are named) nor on their order.
  /// - Throws: `DetectionError.badGroups` where `groupBy` is no regular expression.
  public func divide(_ data: DataSet, seed: UInt64) throws(DetectionError) -> Sides {
    let wanted = count(of: data.count)
    guard wanted > 0 else {
      return Sides(rest: data, held: data[0..<0], leftOut: 0, inSeries: nil)
    }
    let held = chosen(try groups(of: data), data.fingerprints, wanted, seed)
    let isHeld = Set(held)
    var rest = data.indices.filter { !isHeld.contains($0) }
    var leftOut = 0
    if data.count > DataSet.mostCompared {
      let others = data[rest]
      let near = Set(others.nearDuplicates(of: data[held]))
      leftOut = near.count
      rest = rest.enumerated().filter { !near.contains($0.offset) }.map(\.element)
    }
    let inSeries =
      groupBy == nil && data.count <= DataSet.mostCompared
      ? data.shareInSeries(held, among: rest) : nil
    return Sides(rest: data[rest], held: data[held], leftOut: leftOut, inSeries: inSeries)
  }

  /// Whether so many images in series are more than chance, and than bursts here and there.
  package static func isTelling(_ share: Double, _ byChance: Double) -> Bool {
    share > max(0.1, 4 * byChance)
  }

  /// Of each image the number of its group: near-duplicates, and what is grouped by name.
  /// - Throws: `DetectionError.badGroups` where `groupBy` is no regular expression.
  public func groups(of data: DataSet) throws(DetectionError) -> [Int] {
    var groups = Groups(count: data.count)
    groups.join(data.nearDuplicateGroups())
    if let keys = try keys(of: data.names) { groups.join(keys) }
    return groups.numbers
  }

  /// Indices of the images of whole groups, in order of draws that belong to their contents, until there
  /// are as many as wanted; a group that would make them half as many more waits for none.
  private func chosen(
    _ groups: [Int], _ fingerprints: [UInt64], _ wanted: Int, _ seed: UInt64
  ) -> [Int] {
    let members = Dictionary(grouping: groups.indices, by: { groups[$0] })
    let draws = members.map { group, images in
      let least = images.map { fingerprints[$0] }.min()!
      var stream = RandomStream(seed: seed, "hold-out", Int(truncatingIfNeeded: least))
      return (draw: stream.next(), images: images)
    }
    var held: [Int] = []
    for (_, images) in draws.sorted(by: { ($0.draw, $0.images[0]) < ($1.draw, $1.images[0]) }) {
      guard held.count < wanted else { break }
      if held.count + images.count <= wanted + wanted / 2 { held += images }
    }
    // Where groups are few, what is left may be nothing, or not worth it.
    let isWorthIt = held.count < groups.count && (count != nil || held.count >= Self.fewest)
    return isWorthIt ? held.sorted() : []
  }

  /// The group of each image by its name; nil where none is asked for. An image that the expression does
  /// not match is in a group of its own.
  /// - Throws: `DetectionError.badGroups` where `groupBy` is no regular expression.
  public func keys(of names: [String]) throws(DetectionError) -> [String]? {
    guard let groupBy else { return nil }
    if groupBy == "folder" {
      return names.map { name in name.lastIndex(of: "/").map { String(name[..<$0]) } ?? "" }
    }
    let expression: Regex<AnyRegexOutput>
    do {
      expression = try Regex(groupBy)
    } catch {
      throw .badGroups(groupBy)
    }
    return names.map { name in
      guard let match = try? expression.firstMatch(in: name) else { return "/\(name)" }
      let part = match.output.count > 1 ? match.output[1].substring : match.output[0].substring
      return "=" + (part ?? "")
    }
  }
}

extension DataSet {
  var indices: Range<Int> { 0..<count }
}
